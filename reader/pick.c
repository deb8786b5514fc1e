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

static enum which pickable_hosts(const struct lookup *lookup)
{
    return lookup->table.ejected && !ejections_valid(lookup->mapping) ? NOT_DRAINED : IN_ROTATION;
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
    enum which which = pickable_hosts(lookup);
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

static bool was_tried(const struct table *table, uint32_t at, const larshm_host *tried, size_t count)
{
    const struct host_addr host = {load_relaxed(&table->s_addresses[at]), load_relaxed(&table->s_ports[at])};
    return host_was_tried(host, tried, count);
}

/* How many hosts that `which` selects were not tried; *at is the one of number `rank`, or as it was. */
static uint32_t find_untried(const struct table *table, enum which which, const larshm_host *tried,
                             size_t count, uint32_t rank, uint32_t *at)
{
    uint32_t untried = 0;
    for (uint32_t host = 0; host < table->count; host++)
        if (candidates(table, host / 32, which) >> host % 32 & 1 && !was_tried(table, host, tried, count) &&
            untried++ == rank)
            *at = host;
    return untried;
}

/*
 * The next ones of the route's sequence, up to one that was not tried: so all that were not tried get the same share. Where
 * that takes too long, because most of few hosts were tried, they are counted.
 */
int pick_host_except(const struct lookup *lookup, const larshm_host *tried, size_t count, uint32_t *at)
{
    enum {
        DRAWS = 8
    };
    const struct table *table = &lookup->table;
    enum which which = pickable_hosts(lookup);
    uint32_t pickable = count_candidates(table, which);
    for (int draw = 0; draw < DRAWS; draw++) {
        if (pickable == 0 || !find_candidate(table, which, pick_next(lookup, pickable), at))
            return pick_host(lookup, at);
        if (pickable == 1 || !was_tried(table, *at, tried, count))
            return LARSHM_OK;
    }
    uint32_t untried = find_untried(table, which, tried, count, UINT32_MAX, at);
    if (untried > 0)
        find_untried(table, which, tried, count, pick_next(lookup, untried), at);
    return LARSHM_OK;
}
