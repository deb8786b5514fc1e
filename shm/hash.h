/* SPDX-License-Identifier: MIT */
/* How words are spread over buckets and cells: a part of the layout. */
#ifndef SHM_HASH_H
#define SHM_HASH_H

#include <stdint.h>

/* Spreads numbers that people assign in a row over the upper half of the word; the seed keeps a client from choosing
 * words that collide. */
static inline uint64_t hash_word(uint64_t word, uint64_t seed)
{
    uint64_t h = (word ^ seed) * UINT64_C(0x9e3779b97f4a7c15);
    return (h ^ h >> 32) * UINT64_C(0xbf58476d1ce4e5b9);
}

/* A hash scaled to 0 .. count - 1 without a division; any count will do. */
static inline uint32_t hash_scale(uint64_t hash, uint32_t count)
{
    return (uint32_t)((hash >> 32) * count >> 32);
}

#endif
