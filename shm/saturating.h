/* SPDX-License-Identifier: MIT */
/* Sums of counts that stay at their largest value rather than wrap. */
#ifndef SHM_SATURATING_H
#define SHM_SATURATING_H

#include <stdint.h>

static inline uint64_t saturating_add(uint64_t sum, uint64_t more)
{
    return more > UINT64_MAX - sum ? UINT64_MAX : sum + more;
}

static inline uint32_t saturating_add32(uint32_t sum, uint64_t more)
{
    return more > UINT32_MAX - sum ? UINT32_MAX : sum + (uint32_t)more;
}

#endif
