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

uint64_t routes_arena_end(uint32_t bucket_count, uint32_t arena_units)
{
    return routes_arena_offset(bucket_count) + (uint64_t)arena_units * UNIT_BYTES;
}

uint64_t routes_size(uint32_t bucket_count, uint32_t arena_units)
{
    return routes_arena_end(bucket_count, arena_units) + RING_BYTES;
}

void routes_lay_out(struct routes_header *s_header, uint32_t bucket_count, uint32_t arena_units,
                    uint32_t call_cells)
{
    s_header->bucket_count = bucket_count;
    s_header->arena_units = arena_units;
    s_header->call_cells = call_cells;
    s_header->index_offset = routes_index_offset();
    s_header->arena_offset = routes_arena_offset(bucket_count);
    s_header->parts_bytes = RING_BYTES;
    s_header->ring_offset = routes_arena_end(bucket_count, arena_units);
    s_header->ring_entries = RING_ENTRIES;
}

/* Anywhere among the parts: later versions may have others before it. */
static bool attach_ring(const struct routes_header *s_header, uint64_t parts, struct routes *out)
{
    uint64_t offset = s_header->ring_offset, end = s_header->id.size;
    uint32_t entries = s_header->ring_entries;
    if (s_header->id.layout_version != LAYOUT_VERSION)
        return true;
    if (entries == 0 || entries > RING_ENTRIES_MAX || (entries & (entries - 1)) != 0 || offset < parts ||
        offset > end || offset % sizeof(uint64_t) != 0 || (end - offset) / sizeof(uint64_t) < entries)
        return false;
    out->s_ring = (_Atomic uint64_t *)((uintptr_t)s_header + offset);
    out->ring_mask = entries - 1;
    return true;
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
        s_header->id.size < routes_arena_end(buckets, units) ||
        s_header->id.size - routes_arena_end(buckets, units) != s_header->parts_bytes)
        return SHM_CORRUPT;

    char *s_base = region->s_base;
    uint32_t inner = block_units(INNER_HOSTS) - 1;
    *out = (struct routes){
        .s_header = s_header,
        .s_buckets = (struct bucket *)(s_base + routes_index_offset()),
        .s_arena = (struct block *)(s_base + routes_arena_offset(buckets)),
        .s_last = ((struct bucket *)(s_base + routes_index_offset()))[buckets - 1].slots,
        .s_end = s_base + routes_arena_end(buckets, units),
        .hash_seed = s_header->hash_seed,
        .bucket_count = buckets,
        .arena_units = units,
        .inner_bytes = units > inner ? (uint64_t)(units - inner) * UNIT_BYTES : 0,
        .generation = s_header->id.generation,
        .call_cells = calls,
    };
    return attach_ring(s_header, routes_arena_end(buckets, units), out) ? SHM_OK : SHM_CORRUPT;
}

enum shm_status routes_attach(const struct region *region, struct routes *out)
{
    return attach(region, LAYOUT_OWN, out);
}

enum shm_status routes_adopt(const struct region *region, struct routes *out)
{
    return attach(region, LAYOUT_ADOPTABLE, out);
}
