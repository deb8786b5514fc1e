/* SPDX-License-Identifier: MIT */
/* When a machine does what all machines of a fleet do once in an interval: each at a place that is drawn from its
 * identity. */
#ifndef FETCHER_ROUND_H
#define FETCHER_ROUND_H

#include <stdint.h>

#include "shm/hash.h"

/* The first tick of the machine from this one on. */
static inline uint64_t round_from(uint64_t tick, uint32_t interval_ms, uint64_t identity)
{
    uint64_t place = hash_scale(hash_word(identity, 0), interval_ms);
    return tick + (interval_ms + place - tick % interval_ms) % interval_ms;
}

#endif
