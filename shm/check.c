/* SPDX-License-Identifier: MIT */
#include "shm/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "shm/atomic.h"
#include "shm/index.h"
#include "shm/table.h"

#define WRONG(report, ...) (snprintf((report)->text, CHECK_TEXT_MAX, __VA_ARGS__), SHM_CORRUPT)

/* The units that a table occupies, as the walk found them. */
struct extent {
    uint64_t ref;
    uint32_t unit, units, slot;
};

static int by_unit(const void *left, const void *right)
{
    const struct extent *a = left, *b = right;
    return (a->unit > b->unit) - (a->unit < b->unit);
}

static int by_version(const void *left, const void *right)
{
    const struct extent *a = left, *b = right;
    return (ref_version(a->ref) > ref_version(b->ref)) - (ref_version(a->ref) < ref_version(b->ref));
}

static uint32_t probe_length(const struct routes *routes, struct route_key key, uint32_t slot)
{
    uint32_t home = hash_scale(route_key_hash(key, routes->hash_seed), routes->bucket_count);
    uint32_t bucket = slot / BUCKET_SLOTS;
    return (bucket >= home ? bucket - home : bucket + routes->bucket_count - home) + 1;
}

static enum shm_status check_slot(const struct routes *routes, uint32_t slot, struct route_key key,
                                  struct extent *extent, struct check_report *report)
{
    uint32_t modid = key.modid, cmdid = key.cmdid;
    uint32_t found = index_find(routes, key);
    if (found != slot)
        return WRONG(report, "slot %u: key %u/%u is %s", slot, modid, cmdid,
                     found == SLOT_NONE ? "not reachable from its home bucket" : "in the index twice");
    struct table table;
    if (table_begin(routes, slot, key, &table) != SHM_OK)
        return WRONG(report, "slot %u: the ref of %u/%u does not lead to its table", slot, modid, cmdid);
    if (ref_version(table.ref) > load_relaxed(&routes->s_header->version))
        return WRONG(report, "slot %u: version %llu of %u/%u was never drawn", slot,
                     (unsigned long long)ref_version(table.ref), modid, cmdid);
    uint32_t length = probe_length(routes, key, slot);
    if (length > report->longest_probe)
        report->longest_probe = length;
    *extent = (struct extent){table.ref, ref_unit(table.ref), block_units(table.count), slot};
    report->keys++;
    report->hosts += table.count;
    report->live_units += extent->units;
    return SHM_OK;
}

/* A route that was published again during the walk has moved: only tables that are still current may not overlap. */
static enum shm_status check_overlap(const struct routes *routes, struct extent *extents, uint32_t count,
                                     struct check_report *report)
{
    qsort(extents, count, sizeof(*extents), by_unit);
    for (uint32_t i = 1; i < count; i++) {
        const struct extent *a = &extents[i - 1], *b = &extents[i];
        if (a->unit + a->units > b->unit && load_acquire(&routes_slot(routes, a->slot)->ref) == a->ref &&
            load_acquire(&routes_slot(routes, b->slot)->ref) == b->ref)
            return WRONG(report, "slots %u and %u: their tables overlap at unit %u", a->slot, b->slot,
                         b->unit);
    }
    return SHM_OK;
}

/* A version is drawn once, so this cannot come of publishes during the walk. */
static enum shm_status check_versions(struct extent *extents, uint32_t count, struct check_report *report)
{
    qsort(extents, count, sizeof(*extents), by_version);
    for (uint32_t i = 1; i < count; i++) {
        const struct extent *a = &extents[i - 1], *b = &extents[i];
        if (ref_version(a->ref) == ref_version(b->ref))
            return WRONG(report, "slots %u and %u: both have version %llu", a->slot, b->slot,
                         (unsigned long long)ref_version(a->ref));
    }
    return SHM_OK;
}

enum shm_status check_routes(const struct routes *routes, struct check_report *report)
{
    *report = (struct check_report){0};
    uint32_t slots = routes_slot_count(routes), count = 0;
    struct extent *extents = malloc(slots * sizeof(*extents));
    if (!extents)
        return SHM_SYSTEM_ERROR;
    enum shm_status status = SHM_OK;
    for (uint32_t slot = 0; slot < slots && status == SHM_OK; slot++) {
        uint64_t word = load_acquire(&routes_slot(routes, slot)->key);
        if (word)
            status = check_slot(routes, slot, route_key_from_word(word), &extents[count++], report);
    }
    if (status == SHM_OK)
        status = check_overlap(routes, extents, count, report);
    if (status == SHM_OK)
        status = check_versions(extents, count, report);
    free(extents);
    return status;
}
