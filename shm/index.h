/* SPDX-License-Identifier: MIT */
/*
 * Finding a key's slot. Readers and the writer use the same walk. Keys are never removed within a generation and
 * buckets fill from the left, so an empty slot ends the search.
 */
#ifndef SHM_INDEX_H
#define SHM_INDEX_H

#include "shm/atomic.h"
#include "shm/routes.h"

#define SLOT_NONE UINT32_MAX

/* The first slot of the bucket where the search for a key begins. */
static inline struct slot *index_home(const struct routes *routes, struct route_key key)
{
    return routes->s_buckets[hash_scale(route_key_hash(key, routes->hash_seed), routes->bucket_count)].slots;
}

/* A bit for each slot of a bucket with this key word. Without a branch, for the place cannot be foreseen. */
static inline uint32_t bucket_places(const struct slot *s_slots, uint64_t word)
{
    static_assert(BUCKET_SLOTS == 4, "four keys");
    /* Pairs with the release of the key in publisher.c insert(): without it a reader could see the new key beside a
     * ref that is still 0. */
    return (uint32_t)(load_acquire(&s_slots[0].key) == word) |
           (uint32_t)(load_acquire(&s_slots[1].key) == word) << 1 |
           (uint32_t)(load_acquire(&s_slots[2].key) == word) << 2 |
           (uint32_t)(load_acquire(&s_slots[3].key) == word) << 3;
}

/* The key's slot number; or SLOT_NONE, then *empty is where it would go: SLOT_NONE if PROBE_MAX buckets are full. */
static inline uint32_t index_probe(const struct routes *routes, struct route_key key, uint32_t *empty)
{
    uint64_t word = route_key_word(key);
    uint32_t bucket = hash_scale(route_key_hash(key, routes->hash_seed), routes->bucket_count);
    for (int probe = 0; probe < PROBE_MAX; probe++) {
        const struct slot *s_slots = routes->s_buckets[bucket].slots;
        uint32_t match = bucket_places(s_slots, word), room = bucket_places(s_slots, 0);
        /* Behind a slot that is empty there is none. The word of ROUTE_KEY_NONE is 0 too, and that key is nowhere. */
        if (match & (room - 1) & ~room)
            return bucket * BUCKET_SLOTS + (uint32_t)__builtin_ctz(match);
        if (room) {
            *empty = bucket * BUCKET_SLOTS + (uint32_t)__builtin_ctz(room);
            return SLOT_NONE;
        }
        if (++bucket == routes->bucket_count)
            bucket = 0;
    }
    *empty = SLOT_NONE;
    return SLOT_NONE;
}

static inline uint32_t index_find(const struct routes *routes, struct route_key key)
{
    uint32_t empty;
    return index_probe(routes, key, &empty);
}

/*
 * For walks over all slots, which visit tables at random: prefetches a table that the walk visits a little later. Returns
 * its key word, or 0. An unused prefetch does no harm, and a prefetch never faults.
 */
static inline uint64_t index_fetch_ahead(const struct routes *routes, uint32_t slot)
{
    enum {
        AHEAD = 64 /* slots: some thirty tables */
    };
    if (routes_slot_count(routes) - slot <= AHEAD)
        return 0;
    const struct slot *s_slot = routes_slot(routes, slot + AHEAD);
    uint32_t unit = ref_unit(load_relaxed(&s_slot->ref));
    if (unit < routes->arena_units)
        __builtin_prefetch(routes_block(routes, unit));
    return load_relaxed(&s_slot->key);
}

#endif
