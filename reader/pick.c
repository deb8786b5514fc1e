/* SPDX-License-Identifier: MIT */
#include "reader/pick.h"

#include <stdbool.h>

#include "reader/silence.h"

enum which {
    IN_ROTATION, /* may be picked */
    PROBEABLE,   /* ejected, not drained: may be probed */
    NOT_DRAINED, /* both: only an operator's override counts */
};

/* The hosts of a word of masks that `which` selects: bits 0 .. 31. */
static uint32_t candidates(const struct table *table, uint32_t word, enum which which)
{
    uint64_t masks = load_relaxed(&table->s_masks[word]);
    uint32_t ejected = (uint32_t)masks, drained = (uint32_t)(masks >> 32);
    uint32_t hosts = table->count - word * 32;
    uint32_t exist = hosts < 32 ? (UINT32_C(1) << hosts) - 1 : UINT32_MAX;
    return (which == IN_ROTATION ? ~ejected : which == PROBEABLE ? ejected & ~drained : ~drained) & exist;
}

static uint32_t count_candidates(const struct table *table, enum which which)
{
    uint32_t count = 0;
    for (uint32_t word = 0; word < MASK_WORDS(table->count); word++)
        count += (uint32_t)__builtin_popcount(candidates(table, word, which));
    return count;
}

/* The candidate number `rank`, or the last one: masks may have changed since they were counted. False: none. */
static bool find_candidate(const struct table *table, enum which which, uint32_t rank, uint32_t *at)
{
    bool any = false;
    for (uint32_t word = 0; word < MASK_WORDS(table->count); word++) {
        uint32_t found = candidates(table, word, which), here = (uint32_t)__builtin_popcount(found);
        if (rank < here) {
            for (; rank > 0; rank--)
                found &= found - 1;
            *at = word * 32 + (uint32_t)__builtin_ctz(found);
            return true;
        }
        rank -= here;
        if (found) {
            *at = word * 32 + 31 - (uint32_t)__builtin_clz(found);
            any = true;
        }
    }
    return any;
}

/* The fetcher ends ejections in time. If it is dead, no other process does: then they expire here. */
static bool ejections_valid(struct mapping *mapping)
{
    uint64_t timeout = load_relaxed(&mapping->routes.s_header->settings.overload_timeout_s) * UINT64_C(1000);
    return silence_ms(mapping) <= timeout;
}

/* Counts picks of this route by all clients, while some host of it is out of rotation. */
static uint32_t count_pick(const struct lookup *lookup)
{
    struct mapping *mapping = lookup->mapping;
    return lookup_has_control(mapping) ? add_relaxed(&mapping->control.s_picks[lookup->slot], 1)
                                       : add_relaxed(&mapping->picks[lookup->slot % PROBE_CELLS], 1);
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

/*
 * Lars' rule: after each probe_num picks, or LARSHM_OVERLOAD answers, one of the ejected hosts is picked as a
 * probe, to see whether it has recovered.
 */
int pick_host_slow(const struct lookup *lookup, uint32_t *at)
{
    enum {
        PRICE_MAX = 10000
    };
    const struct table *table = &lookup->table;
    const struct routes_header *s_header = lookup->mapping->routes.s_header;
    enum which which = table->ejected && !ejections_valid(lookup->mapping) ? NOT_DRAINED : IN_ROTATION;
    uint32_t pickable = count_candidates(table, which);
    uint32_t probes = which == IN_ROTATION ? count_candidates(table, PROBEABLE) : 0;
    if (probes > 0) {
        uint32_t period = load_relaxed(&s_header->settings.probe_num) + 1, number = count_pick(lookup);
        uint32_t price = period < PRICE_MAX ? period : PRICE_MAX;
        if (may_probe(lookup->slot, price) && (period == 0 || number % period == period - 1) &&
            find_candidate(table, PROBEABLE, (period ? number / period : number) % probes, at)) {
            pay_probe(lookup->slot, price);
            return LARSHM_OK;
        }
    }
    return pickable > 0 && find_candidate(table, which, pick_next(lookup, pickable), at) ? LARSHM_OK
                                                                                         : LARSHM_OVERLOAD;
}
