/* SPDX-License-Identifier: MIT */
/* The key of a route, and its forms in shared memory: a part of the layout. */
#ifndef SHM_ROUTE_KEY_H
#define SHM_ROUTE_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/hash.h"

struct route_key {
    uint32_t modid, cmdid;
};

/* No route: its word would read as an empty slot. */
#define ROUTE_KEY_NONE ((struct route_key){UINT32_MAX, UINT32_MAX})

static inline struct route_key route_key(uint32_t modid, uint32_t cmdid)
{
    return (struct route_key){modid, cmdid};
}

/* As blocks hold a key; keys in the order of these numbers are in order of modid, then cmdid. */
static inline uint64_t route_key_number(struct route_key key)
{
    return (uint64_t)key.modid << 32 | key.cmdid;
}

static inline struct route_key route_key_from_number(uint64_t number)
{
    return (struct route_key){(uint32_t)(number >> 32), (uint32_t)number};
}

static inline bool route_key_equal(struct route_key a, struct route_key b)
{
    return route_key_number(a) == route_key_number(b);
}

static inline bool route_key_is_none(struct route_key key)
{
    return route_key_number(key) == UINT64_MAX;
}

/* As slots, cells and records hold a key: inverted, so that a zeroed word is an empty one. */
static inline uint64_t route_key_word(struct route_key key)
{
    return ~route_key_number(key);
}

static inline struct route_key route_key_from_word(uint64_t word)
{
    return route_key_from_number(~word);
}

static inline uint64_t route_key_hash(struct route_key key, uint64_t seed)
{
    return hash_word(route_key_number(key), seed);
}

#endif
