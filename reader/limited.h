/* SPDX-License-Identifier: MIT */
/* The hosts of a table of which some get less than their even share, see enum host_share. */
#ifndef READER_LIMITED_H
#define READER_LIMITED_H

#include "reader/lookup.h"

struct limited {
    struct mapping *mapping;
    const struct block *s_block;
    uint32_t count;
    bool over; /* ejections are: no fetcher was alive for as long as one may last, and nothing else ends them (G9, G12) */
};

/* The slot of their route. Relaxed: if the block has become another route's, what is done with this is discarded or does no harm. */
static inline uint32_t limited_slot(const struct limited *hosts)
{
    return lookup_slot(&hosts->mapping->routes, load_relaxed(&hosts->s_block->key));
}

/* Hosts that count for something. */
enum which {
    WITH_FULL_SHARE,
    IN_ROTATION, /* these, and those that have come back a moment ago */
    EJECTED,     /* not drained: may be probed */
};

static inline struct limited limited_hosts(struct mapping *mapping, const struct block *s_block,
                                           uint32_t count)
{
    return (struct limited){mapping, s_block, count, load_relaxed(&mapping->ejections_over)};
}

/* Instead of a host's number: there is none. */
#define PICK_NONE UINT32_MAX

/* The lowest bit of each host's state. */
#define LIMITED_EACH UINT64_C(0x1111111111111111)

/* Relaxed: states are advice, see PROTOCOL.md. */
static inline uint64_t limited_states(const struct limited *hosts, uint32_t word)
{
    uint64_t states = load_relaxed(&hosts->s_block->states[word]);
    if (__builtin_expect(hosts->over, 0)) /* only what an operator has drained stays out */
        states = (states & states >> 1 & states >> 2 & states >> 3 & LIMITED_EACH) * SHARE_DRAINED;
    return states;
}

static inline uint32_t limited_share(const struct limited *hosts, uint32_t at)
{
    return share_in(limited_states(hosts, at / STATES_IN_WORD), at);
}

static inline bool share_is_ejected(uint32_t share)
{
    return share >= SHARE_EJECTED && share != SHARE_DRAINED;
}

/* As programs see it. */
static inline enum larshm_host_state limited_state(uint32_t share)
{
    return share < SHARE_EJECTED     ? LARSHM_HOST_IN_ROTATION
           : share_is_ejected(share) ? LARSHM_HOST_EJECTED
                                     : LARSHM_HOST_DRAINED;
}

/* One bit of LIMITED_EACH for each host of a word that exists. */
static inline uint64_t limited_exist(const struct limited *hosts, uint32_t word)
{
    uint32_t left = hosts->count - word * STATES_IN_WORD;
    return left < STATES_IN_WORD ? LIMITED_EACH & (share_bits(left, 1) - 1) : LIMITED_EACH;
}

static inline uint64_t limited_with_full_share(uint64_t states)
{
    return ~(states | states >> 1 | states >> 2 | states >> 3);
}

/* One for each that `which` selects. */
static inline uint64_t limited_select(const struct limited *hosts, uint32_t word, enum which which)
{
    uint64_t states = limited_states(hosts, word);
    uint64_t selected = which == EJECTED       ? states >> 3 & ~(states & states >> 1 & states >> 2)
                        : which == IN_ROTATION ? ~(states >> 3)
                                               : limited_with_full_share(states);
    return selected & limited_exist(hosts, word);
}

/* How many bits of LIMITED_EACH are set. */
static inline uint32_t limited_sum(uint64_t selected)
{
    uint64_t pairs = (selected + (selected >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (uint32_t)(pairs * UINT64_C(0x0101010101010101) >> 56);
}

/* What the hosts of a word get together, in eighths of a share. */
static inline uint32_t limited_weight(const struct limited *hosts, uint32_t word)
{
    uint64_t each = limited_select(hosts, word, IN_ROTATION) * 7 & limited_states(hosts, word);
    uint64_t pairs = (each & UINT64_C(0x0f0f0f0f0f0f0f0f)) + (each >> 4 & UINT64_C(0x0f0f0f0f0f0f0f0f));
    return SHARE_EIGHTHS * limited_sum(limited_select(hosts, word, WITH_FULL_SHARE)) +
           (uint32_t)(pairs * UINT64_C(0x0101010101010101) >> 56);
}

static inline uint32_t limited_count(const struct limited *hosts, enum which which)
{
    uint32_t count = 0;
    for (uint32_t word = 0; word < STATE_WORDS(hosts->count); word++)
        count += limited_sum(limited_select(hosts, word, which));
    return count;
}

/*
 * Where bit number `rank` of these is, in hosts: behind all of which no more than `rank` are selected up to there. Without a
 * branch, since ranks cannot be foreseen. The last host is it if none before is, so its sum, which may be 16, is left out.
 */
static inline uint32_t limited_nth(uint64_t selected, uint32_t rank)
{
    const uint64_t bytes = UINT64_C(0x0101010101010101), high = bytes << 7, low = bytes * 15;
    uint64_t upto = selected * LIMITED_EACH, ranks = bytes * rank | high;
    uint64_t even = (ranks - (upto & low)) & high, odd = (ranks - (upto >> 4 & low)) & high & high >> 8;
    return (uint32_t)(((even >> 7) + (odd >> 7)) * bytes >> 56);
}

/* The host number `rank` of these, or the last one: states may have changed since they were counted. */
static inline uint32_t limited_find(const struct limited *hosts, enum which which, uint32_t rank)
{
    uint32_t last = PICK_NONE;
    for (uint32_t word = 0; word < STATE_WORDS(hosts->count); word++) {
        uint64_t found = limited_select(hosts, word, which);
        uint32_t here = limited_sum(found);
        if (rank < here)
            return word * STATES_IN_WORD + limited_nth(found, rank);
        rank -= here;
        if (found)
            last = word * STATES_IN_WORD + (63 - (uint32_t)__builtin_clzll(found)) / 4;
    }
    return last;
}

#endif
