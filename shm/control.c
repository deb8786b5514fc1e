/* SPDX-License-Identifier: MIT */
#include "shm/control.h"

#include "shm/atomic.h"
#include "shm/hash.h"
#include "shm/object_id.h"

/* Places the parts of an object one after the other, each on a cache line of its own. */
struct layer {
    char *s_base; /* NULL: only compute offsets */
    uint64_t at;
};

static void *part(struct layer *layer, uint64_t size)
{
    void *s_part = layer->s_base ? layer->s_base + layer->at : NULL;
    layer->at += (size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    return s_part;
}

static void place_hbitmap(struct layer *layer, uint32_t count, struct hbitmap *out)
{
    uint64_t bits = out->count = count;
    for (int level = 0; level < 3; level++) {
        uint64_t words = (bits + 63) / 64;
        out->words[level] = (uint32_t)words;
        out->s_words[level] = part(layer, words * sizeof(uint64_t));
        bits = words;
    }
}

/* The only place that knows the order of the parts; returns the size. */
static uint64_t lay(void *s_base, struct control_shape shape, bool released, struct control *out)
{
    struct layer layer = {.s_base = s_base};
    out->shape = shape;
    out->s_header = part(&layer, HEADER_BYTES);
    out->s_lookups = part(&layer, LOOKUP_CELLS * sizeof(struct lookup_cell));
    out->s_misses = part(&layer, MISS_CELLS * sizeof(uint64_t));
    place_hbitmap(&layer, shape.slot_count, &out->stale);
    out->s_probes = part(&layer, shape.slot_count * UINT64_C(4));
    place_hbitmap(&layer, shape.call_cells, &out->reported);
    out->s_uses = released ? NULL : part(&layer, USE_CELLS * sizeof(struct use_cell));
    for (int shard = 0; shard < CALL_SHARDS; shard++)
        out->s_successes[shard] = released ? NULL : part(&layer, shape.call_cells * sizeof(uint64_t));
    out->s_calls = part(&layer, shape.call_cells * sizeof(struct call_cell));
    return layer.at;
}

uint64_t control_number(const struct routes_header *s_header)
{
    /* Pairs with the release in generation_renew_control(): once an object of this number has been named, it is found. */
    return s_header->id.layout_version == LAYOUT_VERSION ? load_acquire(&s_header->control)
                                                         : s_header->id.generation;
}

uint64_t control_size(struct control_shape shape)
{
    struct control measured;
    return lay(NULL, shape, false, &measured);
}

uint64_t control_released_size(struct control_shape shape)
{
    struct control measured;
    return lay(NULL, shape, true, &measured);
}

void control_format(const struct region *region, struct control_shape shape, uint64_t number)
{
    struct control_header *s_header = region->s_base;
    object_id_format(&s_header->id, CONTROL_MAGIC, region, number);
    s_header->slot_count = shape.slot_count;
    s_header->call_cells = shape.call_cells;
}

static enum shm_status attach(const struct region *region, struct control_shape shape, uint64_t number,
                              enum layout_accepted accepted, struct control *out)
{
    const struct control_header *s_header = region->s_base;
    enum shm_status status = object_id_check(&s_header->id, CONTROL_MAGIC, HEADER_BYTES, region, accepted);
    if (status != SHM_OK)
        return status;
    if (s_header->id.generation != number)
        return SHM_NO_OBJECT;
    bool released = s_header->id.layout_version == LAYOUT_RELEASED;
    if (s_header->slot_count != shape.slot_count || s_header->call_cells != shape.call_cells ||
        region->size < (released ? control_released_size(shape) : control_size(shape)))
        return SHM_CORRUPT;
    lay(region->s_base, shape, released, out);
    /* Of this object alone: the one that replaces it has other cells for a host that found none here. */
    out->shape.hash_seed = hash_word(number, shape.hash_seed);
    return SHM_OK;
}

enum shm_status control_attach(const struct region *region, struct control_shape shape, uint64_t number,
                               struct control *out)
{
    return attach(region, shape, number, LAYOUT_OWN, out);
}

enum shm_status control_adopt(const struct region *region, struct control_shape shape, uint64_t number,
                              struct control *out)
{
    return attach(region, shape, number, LAYOUT_ADOPTABLE, out);
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
