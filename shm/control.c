/* SPDX-License-Identifier: MIT */
#include "shm/control.h"

#include "shm/atomic.h"
#include "shm/routes.h"

/* Offsets of the parts, in bytes; flags start on cache lines of their own. */
struct parts {
    uint64_t lookups, misses, flags[3], size;
    uint32_t words[3];
};

static struct parts parts_for(uint32_t slot_count)
{
    struct parts parts;
    parts.lookups = HEADER_BYTES;
    parts.misses = parts.lookups + LOOKUP_CELLS * sizeof(struct lookup_cell);
    uint64_t at = parts.misses + MISS_CELLS * sizeof(uint64_t);
    uint64_t bits = slot_count;
    for (int level = 0; level < 3; level++) {
        uint64_t words = (bits + 63) / 64;
        parts.words[level] = (uint32_t)words;
        parts.flags[level] = at;
        at += (words + 7) / 8 * CACHE_LINE;
        bits = words;
    }
    parts.size = at;
    return parts;
}

uint64_t control_size(uint32_t slot_count)
{
    return parts_for(slot_count).size;
}

void control_format(const struct region *region, uint32_t slot_count, uint64_t generation)
{
    struct control_header *s_header = region->s_base;
    s_header->id = (struct object_id){
        .magic = CONTROL_MAGIC,
        .layout_version = LAYOUT_VERSION,
        .fingerprint = layout_fingerprint(),
        .size = region->size,
        .generation = generation,
    };
    s_header->slot_count = slot_count;
}

enum shm_status control_attach(const struct region *region, uint32_t slot_count, uint64_t generation,
                               struct control *out)
{
    const struct control_header *s_header = region->s_base;
    struct parts parts = parts_for(slot_count);
    enum shm_status status = object_id_check(&s_header->id, CONTROL_MAGIC, HEADER_BYTES, region);
    if (status != SHM_OK)
        return status;
    if (s_header->id.generation != generation)
        return SHM_NO_OBJECT;
    if (s_header->slot_count != slot_count || region->size < parts.size)
        return SHM_CORRUPT;

    char *s_base = region->s_base;
    *out = (struct control){
        .s_header = region->s_base,
        .s_lookups = (struct lookup_cell *)(s_base + parts.lookups),
        .s_misses = (_Atomic uint64_t *)(s_base + parts.misses),
        .slot_count = slot_count,
    };
    for (int level = 0; level < 3; level++) {
        out->s_flags[level] = (_Atomic uint64_t *)(s_base + parts.flags[level]);
        out->words[level] = parts.words[level];
    }
    return SHM_OK;
}

struct lookup_counts control_lookups(const struct control *control)
{
    struct lookup_counts sum = {0};
    for (int i = 0; i < LOOKUP_CELLS; i++) {
        sum.lookups += load_relaxed(&control->s_lookups[i].lookups);
        sum.missed += load_relaxed(&control->s_lookups[i].missed);
        sum.expired += load_relaxed(&control->s_lookups[i].expired);
    }
    return sum;
}
