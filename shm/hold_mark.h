/* SPDX-License-Identifier: MIT */
/*
 * block.marks, a part of the layout. Bit 15 is MARK_SPARED; the others say that an answer is held back; 0: none is.
 *
 *      bits 0 to 2     enum hold_reason
 *      bit 3           1: bits 4 to 14 count in units of COARSE_MS, else of FINE_MS
 *      bits 4 to 14    the tick at which the hold ends, rounded up to such a unit, modulo 2048 units
 *
 * What is left of a hold is less than half of these 2048 units, so the mark says it at any tick of the fetcher until it
 * ends, and 0 for as long again after that. For people; the fetcher itself does not go by it.
 */
#ifndef SHM_HOLD_MARK_H
#define SHM_HOLD_MARK_H

#include <stdint.h>

#include "shm/layout.h"

enum {
    HOLD_REASON_BITS = 3,
    HOLD_REASON_MASK = (1 << HOLD_REASON_BITS) - 1,
    HOLD_COARSE = 1 << HOLD_REASON_BITS,
    HOLD_END_SHIFT = HOLD_REASON_BITS + 1,
    HOLD_END_MASK = 0x7ff,
    HOLD_END_HALF = (HOLD_END_MASK + 1) / 2,
    HOLD_FINE_MS = 1000,
    HOLD_COARSE_MS = 120000,
};

/* `ends` is at most 34 hours after `now`. */
static inline uint16_t hold_mark(enum hold_reason reason, uint64_t ends, uint64_t now)
{
    uint64_t left = ends > now ? ends - now : 0;
    uint32_t unit = left < (HOLD_END_HALF - 1) * UINT64_C(1000) ? HOLD_FINE_MS : HOLD_COARSE_MS;
    uint64_t end = (ends + unit - 1) / unit;
    return (uint16_t)((end & HOLD_END_MASK) << HOLD_END_SHIFT | (unit == HOLD_COARSE_MS ? HOLD_COARSE : 0) |
                      (uint32_t)reason);
}

/* 0: nothing is held back. Any other value may stand in a damaged object. */
static inline unsigned hold_mark_reason(uint16_t mark)
{
    return mark & HOLD_REASON_MASK;
}

/* Milliseconds until the hold ends; `now` is the fetcher's tick. */
static inline uint64_t hold_mark_left(uint16_t mark, uint64_t now)
{
    uint64_t unit = mark & HOLD_COARSE ? HOLD_COARSE_MS : HOLD_FINE_MS;
    uint64_t units =
        ((uint64_t)(mark >> HOLD_END_SHIFT) - now / unit) & HOLD_END_MASK; /* without MARK_SPARED */
    return units == 0 || units >= HOLD_END_HALF ? 0 : units * unit - now % unit;
}

#endif
