/* SPDX-License-Identifier: MIT */
/* Numbers without a pattern, and the sequence in which routes are looked up: longer than caches remember. */
#ifndef TOOLS_BENCH_SEQUENCE_H
#define TOOLS_BENCH_SEQUENCE_H

#include <stdint.h>

#include "shm/hash.h"

enum {
    SEQUENCE_LENGTH = 1 << 20, /* a power of two */
    SEQUENCE_MASK = SEQUENCE_LENGTH - 1,
};

/* [SEQUENCE_LENGTH] numbers below `routes`, each as often as any. free() it. NULL: out of memory, said on stderr. */
uint32_t *sequence_new(uint32_t routes);

/* Likewise, with Zipf's distribution: number n - 1 comes in proportion to 1 / n ^ 0.99. A few keys are most of all. */
uint32_t *sequence_new_zipf(uint32_t routes);

static inline uint64_t next_random(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    return hash_word(*state, 0);
}

/* One of the numbers below `count`. */
static inline uint32_t random_below(uint64_t *state, uint32_t count)
{
    return (uint32_t)((next_random(state) >> 32) * count >> 32);
}

#endif
