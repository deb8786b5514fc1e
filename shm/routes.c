/* SPDX-License-Identifier: MIT */
#include "shm/routes.h"

#include "shm/object_id.h"

uint32_t routes_index_offset(void)
{
    return HEADER_BYTES;
}

uint64_t routes_arena_offset(uint32_t bucket_count)
{
    return routes_index_offset() + (uint64_t)bucket_count * sizeof(struct bucket);
}

uint64_t routes_size(uint32_t bucket_count, uint32_t arena_units)
{
    return routes_arena_offset(bucket_count) + (uint64_t)arena_units * UNIT_BYTES;
}

static enum shm_status attach(const struct region *region, enum layout_accepted accepted, struct routes *out)
{
    struct routes_header *s_header = region->s_base;
    enum shm_status status = object_id_check(&s_header->id, ROUTES_MAGIC, HEADER_BYTES, region, accepted);
    if (status != SHM_OK)
        return status;

    uint32_t buckets = s_header->bucket_count, units = s_header->arena_units, calls = s_header->call_cells;
    if (buckets == 0 || buckets > BUCKETS_MAX || units > ARENA_UNITS_MAX || calls == 0 ||
        calls > CALL_CELLS_MAX || s_header->index_offset != routes_index_offset() ||
        s_header->arena_offset != routes_arena_offset(buckets) ||
        s_header->id.size < routes_size(buckets, units) ||
        s_header->id.size - routes_size(buckets, units) != s_header->parts_bytes)
        return SHM_CORRUPT;

    char *s_base = region->s_base;
    uint32_t inner = block_units(INNER_HOSTS) - 1;
    *out = (struct routes){
        .s_header = s_header,
        .s_buckets = (struct bucket *)(s_base + routes_index_offset()),
        .s_arena = (struct block *)(s_base + routes_arena_offset(buckets)),
        .s_last = ((struct bucket *)(s_base + routes_index_offset()))[buckets - 1].slots,
        .s_end = s_base + routes_size(buckets, units),
        .hash_seed = s_header->hash_seed,
        .bucket_count = buckets,
        .arena_units = units,
        .inner_bytes = units > inner ? (uint64_t)(units - inner) * UNIT_BYTES : 0,
        .generation = s_header->id.generation,
        .call_cells = calls,
    };
    return SHM_OK;
}

enum shm_status routes_attach(const struct region *region, struct routes *out)
{
    return attach(region, LAYOUT_OWN, out);
}

enum shm_status routes_adopt(const struct region *region, struct routes *out)
{
    return attach(region, LAYOUT_ADOPTABLE, out);
}
