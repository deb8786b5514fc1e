/* SPDX-License-Identifier: MIT */
#include "reader/pick.h"

#include <stdbool.h>

#include "shm/hash.h"

enum {
    FEW = 8,          /* hosts of a table: in smaller ones those that may be picked are always counted, */
    EXACT_MOST = 64,  /* up to so many, where more than a quarter is limited, in larger ones more than half */
    STEPS_MOST = 64,  /* of the sequence, on to a host that takes the pick */
    DRAWS = 8,        /* for a host that was not tried */
    MADE_UP = 2,      /* probes of a host that come late, at most */
    PROBE_TIMES = 16, /* in a millisecond: when the next probe of a route is due */
    NONE_DUE_CELLS = 1024,
};

/*
 * The route's next probe, if it is due: one of each ejected host in each eject_probe_interval, in turn, by the client that sets
 * when the one after it is due. Those that come late, for no pick fell to an ejected host, are made up for, but not more than
 * MADE_UP of each host. A client that writes other times there can have all picks that fall to ejected hosts be probes, or none.
 */
static uint32_t probe(const struct limited *hosts)
{
    struct mapping *mapping = hosts->mapping;
    const struct routes_header *s_header = mapping->routes.s_header;
    uint32_t interval = load_relaxed(&s_header->settings.eject_probe_interval_ms) * PROBE_TIMES;
    uint32_t slot = limited_slot(hosts);
    if (interval == 0 || slot == SLOT_NONE || !lookup_has_control(mapping))
        return PICK_NONE;
    /* The tick is as good as the clock, and none when no fetcher is alive: nothing would come of a probe then. */
    uint32_t now = (uint32_t)load_relaxed(&s_header->tick) * PROBE_TIMES;
    _Atomic uint32_t *s_due = &mapping->control.s_probes[slot];
    uint32_t due = load_relaxed(s_due);
    if (due - now - 1 < interval) /* within one from now on: everything else is past */
        return PICK_NONE;
    uint32_t ejected = limited_count(hosts, EJECTED);
    if (ejected == 0)
        return PICK_NONE;
    uint32_t each = (interval + ejected - 1) / ejected;
    uint32_t made = now - due < MADE_UP * interval ? due : now - MADE_UP * interval + each;
    return exchange_relaxed(s_due, &due, made + each) ? limited_find(hosts, EJECTED, made / each % ejected)
                                                      : PICK_NONE;
}

/* A host of a table in which some have come back a moment ago, by the eighths that each gets. */
static uint32_t pick_by_weight(const struct limited *hosts, uint32_t position)
{
    uint32_t total = 0, word = 0;
    for (uint32_t each = 0; each < STATE_WORDS(hosts->count); each++)
        total += limited_weight(hosts, each);
    uint32_t left = (uint32_t)cursor_host(position, total), weight;
    for (; word + 1 < STATE_WORDS(hosts->count) && left >= (weight = limited_weight(hosts, word)); word++)
        left -= weight;
    uint32_t at = PICK_NONE; /* or the last one, if states have changed since they were added up */
    for (uint32_t host = word * STATES_IN_WORD; host < hosts->count && host / STATES_IN_WORD == word;
         host++) {
        uint32_t share = limited_share(hosts, host);
        weight = share == SHARE_FULL ? SHARE_EIGHTHS : share < SHARE_EJECTED ? share : 0;
        if (weight)
            at = host;
        if (left < weight)
            break;
        left -= weight;
    }
    return at;
}

/* Where a pick falls on a circle of all hosts. Its position is on a circle of those with a full share, so that two picks in a
 * row are two hosts. */
static inline uint32_t fall_of(const struct limited *hosts, uint32_t pickable, uint32_t position)
{
    return pickable == 2 ? cursor_turn(&thread_state, hosts->s_block, position) : position;
}

static bool falls_to_ejected(const struct limited *hosts, uint32_t fall)
{
    return share_is_ejected(limited_share(hosts, (uint32_t)cursor_host(fall, hosts->count)));
}

static uint32_t pick_exactly(struct mapping *mapping, const struct block *s_block, uint32_t count,
                             bool may_probe)
{
    const struct limited hosts = limited_hosts(mapping, s_block, count);
    uint64_t returning = 0;
    uint32_t pickable = 0;
    for (uint32_t word = 0; word < STATE_WORDS(count); word++) {
        uint64_t full = limited_select(&hosts, word, WITH_FULL_SHARE);
        returning |= limited_select(&hosts, word, IN_ROTATION) ^ full;
        pickable += limited_sum(full);
    }
    uint32_t on_circle = returning ? 0 : pickable;
    uint32_t position = pick_position(s_block, on_circle);
    uint32_t fall = fall_of(&hosts, on_circle, position);
    uint32_t probed = may_probe && falls_to_ejected(&hosts, fall) ? probe(&hosts) : PICK_NONE;
    if (probed != PICK_NONE)
        return probed;
    return returning ? pick_by_weight(&hosts, position)
                     : limited_find(&hosts, WITH_FULL_SHARE, (uint32_t)cursor_host(position, pickable));
}

/*
 * Where a pick falls cannot be foreseen, and a branch on it costs as much as half of a lookup. So a process remembers of which tables
 * it has found that no probe is due, since the tick moved: that is so until it moves on. A cell has the lower half of the tick,
 * and which table it is about, as in cursor.h; a table whose cell is another one's is looked at. Relaxed: the value alone matters.
 */
static _Atomic uint32_t none_due[NONE_DUE_CELLS];

static inline _Atomic uint32_t *none_due_cell(const struct block *s_block)
{
    return &none_due[(uintptr_t)s_block / UNIT_BYTES % NONE_DUE_CELLS];
}

static inline uint32_t none_due_now(const struct limited *hosts)
{
    uint64_t tick = load_relaxed(&hosts->mapping->routes.s_header->tick);
    return (uint32_t)((uintptr_t)hosts->s_block / (UNIT_BYTES * NONE_DUE_CELLS)) << 16 | (uint16_t)tick;
}

static __attribute__((noinline)) uint32_t probe_of_few(struct mapping *mapping, const struct block *s_block,
                                                       uint32_t count, uint32_t fall)
{
    const struct limited hosts = limited_hosts(mapping, s_block, count);
    uint32_t now = none_due_now(&hosts);
    if (!falls_to_ejected(&hosts, fall))
        return PICK_NONE;
    uint32_t probed = probe(&hosts);
    if (probed == PICK_NONE)
        store_relaxed(none_due_cell(s_block), now);
    return probed;
}

/*
 * pick_exactly() for a table with one word of states, none of which is between the two ends. The functions for what is rarer get no
 * pointer to `hosts`: so what is known of them stays in registers here.
 */
static inline uint32_t pick_of_few(struct mapping *mapping, const struct block *s_block, uint32_t count,
                                   bool may_probe)
{
    const struct limited hosts = limited_hosts(mapping, s_block, count);
    uint64_t states = limited_states(&hosts, 0), exist = limited_exist(&hosts, 0),
             full = limited_with_full_share(states) & exist;
    uint32_t pickable = limited_sum(full);
    if (__builtin_expect(((states >> 3 & exist) | full) != exist || pickable == 0, 0))
        return pick_exactly(mapping, s_block, count, may_probe);
    uint32_t position = cursor_next(&thread_state, s_block, pickable);
    uint32_t fall = fall_of(&hosts, pickable, position);
    bool none_is_due = load_relaxed(none_due_cell(s_block)) == none_due_now(&hosts);
    if (may_probe && !__builtin_expect(none_is_due, 1)) {
        uint32_t probed = probe_of_few(mapping, s_block, count, fall);
        if (probed != PICK_NONE)
            return probed;
    }
    uint32_t rank = (uint32_t)cursor_host(position, pickable);
    if (__builtin_expect(count - pickable == 1, 1)) /* the hosts without the one that is out */
        return rank + (rank >= (uint32_t)__builtin_ctzll(exist & ~full) / 4);
    return limited_nth(full, rank);
}

static bool takes_pick(uint32_t share, uint32_t position)
{
    return share == SHARE_FULL ||
           (share < SHARE_EJECTED && hash_scale(hash_word(position, 0), SHARE_EIGHTHS) < share);
}

/*
 * Where the hosts need not be counted: the route's sequence goes on until it falls to a host that takes the pick, so all with a
 * full share get the same.
 *
 * Two picks in a row are two hosts, if no more than a quarter of them is limited: up to count / 4 + 1 steps apart, positions of a
 * sequence are further from each other than a host is wide. So those that are passed between two picks are of as many limited
 * hosts, and then the picks are of two hosts, too. Where up to half of many hosts are limited, two picks of one host would take
 * a run of limited hosts that does not come by chance.
 */
static uint32_t pick_of_many(struct mapping *mapping, const struct block *s_block, uint32_t count,
                             bool may_probe)
{
    const struct limited hosts = limited_hosts(mapping, s_block, count);
    struct thread_state *mine = &thread_state;
    uint32_t begin = cursor_next(mine, s_block, count), steps = 0, at = PICK_NONE;
    for (int step = 0; step < STEPS_MOST && at == PICK_NONE; step++) {
        uint32_t position = begin + steps + (thread_random(mine) >> 16);
        uint32_t host = (uint32_t)cursor_host(position, count), share = limited_share(&hosts, host);
        if (takes_pick(share, position)) {
            at = host;
        } else {
            at = may_probe && share_is_ejected(share) ? probe(&hosts) : PICK_NONE;
            may_probe = may_probe && !share_is_ejected(share);
            steps += at == PICK_NONE ? cursor_step(count) : 0;
        }
    }
    if (steps)
        cursor_skip(mine, s_block, steps);
    return at == PICK_NONE ? pick_exactly(mapping, s_block, count, false) : at;
}

static inline uint32_t pick(struct mapping *mapping, const struct block *s_block, uint32_t count,
                            bool may_probe)
{
    uint32_t limited = load_relaxed(&s_block->limited);
    if (count > FEW && limited <= count / (count <= EXACT_MOST ? 4 : 2))
        return pick_of_many(mapping, s_block, count, may_probe);
    return count <= STATES_IN_WORD ? pick_of_few(mapping, s_block, count, may_probe)
                                   : pick_exactly(mapping, s_block, count, may_probe);
}

uint32_t pick_limited(struct mapping *mapping, const struct block *s_block, uint32_t count)
{
    return pick(mapping, s_block, count, true);
}

static bool was_tried(const struct limited *hosts, uint32_t at, const larshm_host *tried, size_t count)
{
    const struct host_addr host = {load_relaxed(block_addresses(hosts->s_block, hosts->count) + at),
                                   load_relaxed(block_ports(hosts->s_block, hosts->count) + at)};
    return host_was_tried(host, tried, count);
}

/* How many hosts in rotation were not tried; *at is the one of number `rank`, or as it was. */
static uint32_t find_untried(const struct limited *hosts, const larshm_host *tried, size_t count,
                             uint32_t rank, uint32_t *at)
{
    uint32_t untried = 0;
    for (uint32_t host = 0; host < hosts->count; host++)
        if (limited_share(hosts, host) < SHARE_EJECTED && !was_tried(hosts, host, tried, count) &&
            untried++ == rank)
            *at = host;
    return untried;
}

/*
 * The next ones of the route's sequence, up to one that was not tried: so all that were not tried get the same share. Where
 * that takes too long, because most of few hosts were tried, they are counted.
 */
uint32_t pick_limited_except(struct mapping *mapping, const struct block *s_block, uint32_t count,
                             const larshm_host *tried, size_t tried_count)
{
    const struct limited hosts = limited_hosts(mapping, s_block, count);
    uint32_t at = PICK_NONE;
    int draws = count > load_relaxed(&s_block->limited) + tried_count ? DRAWS : 1;
    for (int draw = 0; draw < draws; draw++) {
        at = pick(mapping, s_block, count, false);
        if (at == PICK_NONE || !was_tried(&hosts, at, tried, tried_count))
            return at;
    }
    uint32_t untried = find_untried(&hosts, tried, tried_count, UINT32_MAX, &at);
    if (untried > 0)
        find_untried(&hosts, tried, tried_count, pick_next(s_block, untried), &at);
    return at;
}
