/* SPDX-License-Identifier: MIT */
/* A routes object as one process sees it: geometry checked once and copied, so that later damage to the header
 * cannot lead a lookup out of bounds. */
#ifndef SHM_ROUTES_H
#define SHM_ROUTES_H

#include "shm/layout.h"
#include "shm/region.h"

enum {
    INNER_HOSTS = STATES_IN_WORD /* of a table with one word of states */
};

struct routes {
    struct routes_header *s_header; /* mapped read-only in clients, read-write in the fetcher */
    struct bucket *s_buckets;
    struct block *s_arena;
    const struct slot *s_last; /* the first one of the last bucket */
    const void *s_end;         /* of the arena */
    uint64_t hash_seed;
    uint32_t bucket_count;
    uint32_t arena_units;
    uint64_t inner_bytes; /* of the arena: a block of up to INNER_HOSTS that begins there ends in the arena */
    uint64_t generation;
    uint32_t call_cells; /* of the control object */
    uint32_t ring_mask;
    _Atomic uint64_t *s_ring; /* [ring_mask + 1]; NULL: a released layout, which had none */
};

/* Offsets and size of an object of this geometry. */
uint32_t routes_index_offset(void);
uint64_t routes_arena_offset(uint32_t bucket_count);
uint64_t routes_arena_end(uint32_t bucket_count, uint32_t arena_units);
uint64_t routes_size(uint32_t bucket_count, uint32_t arena_units);

/* Writes the geometry into the header of an object of that size. */
void routes_lay_out(struct routes_header *s_header, uint32_t bucket_count, uint32_t arena_units,
                    uint32_t call_cells);

/*
 * Checks magic, layout version, fingerprint, size and geometry, in this order, each with a status of its own, then
 * fills *out. The region must outlive *out.
 */
enum shm_status routes_attach(const struct region *region, struct routes *out);

/* Likewise, for the fetcher that adopts it: accepts the layout that was released before, too. */
enum shm_status routes_adopt(const struct region *region, struct routes *out);

/* A block that begins `unit` units into the arena. The caller has checked the bounds. */
static inline struct block *routes_block(const struct routes *routes, uint32_t unit)
{
    return (struct block *)((char *)routes->s_arena + (uint64_t)unit * UNIT_BYTES);
}

/* A slot by its number: 4 * bucket + place. The caller has checked the bounds. */
static inline struct slot *routes_slot(const struct routes *routes, uint32_t number)
{
    return &routes->s_buckets[number / BUCKET_SLOTS].slots[number % BUCKET_SLOTS];
}

static inline uint32_t routes_slot_count(const struct routes *routes)
{
    return routes->bucket_count * BUCKET_SLOTS;
}

#endif
