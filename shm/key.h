/* SPDX-License-Identifier: MIT */
/* Routes and hosts as words, and how these are spread over buckets and cells: a part of the layout. */
#ifndef SHM_KEY_H
#define SHM_KEY_H

#include <stdint.h>

static inline uint64_t route_key(uint32_t modid, uint32_t cmdid)
{
    return (uint64_t)modid << 32 | cmdid;
}

static inline uint32_t key_modid(uint64_t key)
{
    return (uint32_t)(key >> 32);
}

static inline uint32_t key_cmdid(uint64_t key)
{
    return (uint32_t)key;
}

/* How call cells and records name a host; never 0 for one that can be connected to. */
static inline uint64_t host_word(uint32_t address, uint16_t port)
{
    return (uint64_t)address << 32 | port;
}

/* A host of a route as a word to be hashed. */
static inline uint64_t host_key(uint64_t key, uint64_t host)
{
    return key ^ host * UINT64_C(0xff51afd7ed558ccd);
}

/* How the index and the cells hold a key, so that a zeroed word is an empty one. Its own inverse. */
static inline uint64_t key_word(uint64_t key)
{
    return ~key;
}

/* Spreads keys that people number in a row, over the upper half of the word; the seed keeps a client from choosing
 * keys that collide. */
static inline uint64_t key_hash(uint64_t key, uint64_t seed)
{
    uint64_t h = (key ^ seed) * UINT64_C(0x9e3779b97f4a7c15);
    return (h ^ h >> 32) * UINT64_C(0xbf58476d1ce4e5b9);
}

/* A hash scaled to 0 .. bucket_count - 1 without a division; any bucket_count will do. */
static inline uint32_t bucket_home(uint64_t hash, uint32_t bucket_count)
{
    return (uint32_t)((hash >> 32) * bucket_count >> 32);
}

#endif
