/* SPDX-License-Identifier: MIT */
#include "reader/pick.h"
#include "shm/index.h"

/* Counts picks of this route by all clients, while some host of it is out of rotation. */
static uint32_t count_pick(struct mapping *mapping, uint32_t slot)
{
    return lookup_has_control(mapping) ? add_relaxed(&mapping->control.s_probes[slot], 1)
                                       : add_relaxed(&mapping->picks[slot % PROBE_CELLS], 1);
}

/*
 * Any client may write to the common counter, and could turn every pick of all others into a probe. So a thread
 * spends at most two picks of a period on probes, and three at once: twice as many as with an honest counter.
 */
static bool may_probe(uint32_t slot, uint32_t price)
{
    uint16_t *spent = &thread_state.probes[slot % PROBE_CELLS];
    *spent = (uint16_t)(*spent > 2 ? *spent - 2 : 0);
    return *spent <= 2 * price;
}

static void pay_probe(uint32_t slot, uint32_t price)
{
    uint16_t *spent = &thread_state.probes[slot % PROBE_CELLS];
    *spent = (uint16_t)(*spent + price);
}

static uint32_t probe(const struct limited *hosts, uint32_t ejected)
{
    enum {
        PRICE_MAX = 10000
    };
    uint32_t slot = limited_slot(hosts);
    if (slot == SLOT_NONE)
        return PICK_NONE;
    uint32_t period = load_relaxed(&hosts->mapping->routes.s_header->settings.probe_num) + 1;
    uint32_t number = count_pick(hosts->mapping, slot);
    uint32_t price = period < PRICE_MAX ? period : PRICE_MAX;
    if (!may_probe(slot, price) || (period != 0 && number % period != period - 1))
        return PICK_NONE;
    pay_probe(slot, price);
    return limited_find(hosts, EJECTED, (period ? number / period : number) % ejected);
}

uint32_t pick_limited_lars(struct mapping *mapping, const struct block *s_block, uint32_t count)
{
    const struct limited hosts = limited_hosts(mapping, s_block, count);
    uint32_t ejected = limited_count(&hosts, EJECTED);
    uint32_t probed = ejected > 0 ? probe(&hosts, ejected) : PICK_NONE;
    uint32_t pickable = probed == PICK_NONE ? limited_count(&hosts, IN_ROTATION) : 0;
    return pickable > 0 ? limited_find(&hosts, IN_ROTATION, pick_next(s_block, pickable)) : probed;
}
