/* SPDX-License-Identifier: MIT */
#include "reader/pick.h"

#include <stdbool.h>

/* The hosts of a verdict word that may be picked, or probed: bits 0 .. 31. */
static uint32_t candidates(const struct table *table, uint32_t word, bool probe)
{
    uint64_t verdict = load_relaxed(&table->s_verdict[word]);
    uint32_t out = (uint32_t)verdict, unprobed = (uint32_t)(verdict >> 32);
    uint32_t hosts = table->count - word * 32;
    uint32_t exist = hosts < 32 ? (UINT32_C(1) << hosts) - 1 : UINT32_MAX;
    return (probe ? out & ~unprobed : ~out) & exist;
}

static uint32_t count_candidates(const struct table *table, bool probe)
{
    uint32_t count = 0;
    for (uint32_t word = 0; word < VERDICT_WORDS(table->count); word++)
        count += (uint32_t)__builtin_popcount(candidates(table, word, probe));
    return count;
}

/* The candidate number `rank`, or the last one: verdicts may have changed since they were counted. False: none. */
static bool find_candidate(const struct table *table, bool probe, uint32_t rank, uint32_t *at)
{
    bool any = false;
    for (uint32_t word = 0; word < VERDICT_WORDS(table->count); word++) {
        uint32_t found = candidates(table, word, probe), here = (uint32_t)__builtin_popcount(found);
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

static void take_place(const struct mapping *mapping)
{
    /* Relaxed: only to be another number than the others. */
    thread_take_place(mapping->can_ask ? add_relaxed(&mapping->control.s_header->threads, 1) + 1 : 0);
}

/* Picks of this route by all clients, while some host of it is out of the turn. */
static uint32_t count_pick(const struct lookup *lookup)
{
    const struct mapping *mapping = lookup->mapping;
    return mapping->can_ask ? add_relaxed(&mapping->control.s_picks[lookup->slot], 1) : thread_state.picks++;
}

/*
 * Lars' rule: after each probe_num picks, or answers that all are overloaded, one of the overloaded hosts is given, to
 * see whether it has recovered. What clients write to the counter decides when, and nothing else.
 */
int pick_with_care(const struct lookup *lookup, uint32_t *at)
{
    const struct table *table = &lookup->table;
    if (thread_state.turn == 0)
        take_place(lookup->mapping);
    uint32_t good = count_candidates(table, false), probes = count_candidates(table, true);
    if (probes > 0) {
        uint32_t period = load_relaxed(&lookup->mapping->routes.s_header->probe_num) + 1;
        uint32_t turn = count_pick(lookup);
        if ((period == 0 || turn % period == period - 1) &&
            find_candidate(table, true, (period ? turn / period : turn) % probes, at))
            return LARSHM_OK;
    }
    return good > 0 && find_candidate(table, false, thread_pick(good), at) ? LARSHM_OK : LARSHM_OVERLOAD;
}
