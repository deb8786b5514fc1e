/* SPDX-License-Identifier: MIT */
/* Control objects that were replaced: clients count in them until they switch. Each fetcher that died has left one. */
#include "shm/clock.h"
#include "shm/writer/sigbus.h"
#include "shm/writer/writer_internal.h"

enum {
    /* All retired control objects together take at most this share of a generation, or so many bytes, before another one
     * joins them. */
    RETIRED_SHARE = 64,
    RETIRED_LEAST = 4 << 20,
};

static void drop(struct writer *writer, struct retired_control *retired)
{
    if (retired->region.s_base)
        retired_control_remove(&writer->names, retired->name);
    replaced_unmapped(&writer->replaced, &retired->region);
    sigbus_unprotect(&retired->region);
    region_close(&retired->region);
    *retired = (struct retired_control){0};
}

void writer_end_retired(struct writer *writer, struct retired_control *retired)
{
    if (retired->region.s_base) {
        writer_collect_lookups(writer, &retired->stats.control);
        writer_end_object_calls(writer, &retired->stats);
    }
    drop(writer, retired);
}

/* By number: those that were adopted are all kept until the same time. */
static struct retired_control *oldest_retired(struct writer *writer, bool in_use)
{
    struct retired_control *oldest = NULL;
    for (int i = 0; i < RETIRED_MAX; i++) {
        struct retired_control *retired = &writer->retired[i];
        if ((retired->region.s_base || !in_use) && (!oldest || retired->stats.number < oldest->stats.number))
            oldest = retired;
    }
    return oldest;
}

static uint64_t generation_size(const struct writer *writer)
{
    return writer->now.routes_region.size + writer->now.control_region.size;
}

/* What all together may take, beside the newest, where a generation takes so many bytes. */
static uint64_t share_of(uint64_t generation)
{
    return generation / RETIRED_SHARE > RETIRED_LEAST ? generation / RETIRED_SHARE : RETIRED_LEAST;
}

static void bound(struct writer *writer, uint64_t most)
{
    uint64_t bytes = 0;
    for (int i = 0; i < RETIRED_MAX; i++)
        bytes += writer->retired[i].region.size;
    for (struct retired_control *oldest = oldest_retired(writer, true); oldest && bytes > most;
         oldest = oldest_retired(writer, true)) {
        bytes -= oldest->region.size;
        writer_end_retired(writer, oldest);
    }
}

/* Objects that are replaced again and again, for whatever reason, use no more memory than growth does (G10). */
void writer_bound_retired(struct writer *writer, uint64_t generation)
{
    bound(writer, share_of(generation));
}

void writer_set_judge(struct writer *writer, bool (*judge)(void *context, const struct call_report *report),
                      void *context)
{
    writer->judge = judge;
    writer->judge_context = context;
    const struct retired_control *newest = &writer->retired[0];
    for (int i = 1; i < RETIRED_MAX; i++)
        if (writer->retired[i].stats.number > newest->stats.number)
            newest = &writer->retired[i];
    bound(writer, share_of(generation_size(writer)) + newest->region.size);
}

/* A fetcher that lives until it judges leaves no more than writer_set_judge() says. */
bool writer_retired_pile_up(const struct writer *writer, uint64_t routes, uint64_t control)
{
    struct retired_name names[RETIRED_MAX];
    size_t count = retired_control_list(&writer->names, names, RETIRED_MAX);
    uint64_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        struct region region = {0};
        if (retired_control_open(&writer->names, names[i], &region) == SHM_OK)
            bytes += region.size;
        region_close(&region);
    }
    return bytes > share_of(routes + control) + control;
}

/* Retires the control object of a replaced generation; the oldest makes room. */
void writer_retire_control(struct writer *writer, struct generation *replaced, struct retired_name name,
                           uint64_t now)
{
    writer_bound_retired(writer, generation_size(writer));
    struct retired_control *oldest = oldest_retired(writer, false);
    writer_end_retired(writer, oldest);
    *oldest = (struct retired_control){.region = replaced->control_region,
                                       .name = name,
                                       .stats = replaced->stats,
                                       .until = now + RETIRED_KEEP_MS};
    replaced->control_region = (struct region){0};
    replaced->stats = (struct call_stats){0};
}

/* The shape comes from the object, which clients can write: accepted if the object has exactly the size that follows, and
 * no more cells than a fetcher creates. */
static enum shm_status attach(const struct writer *writer, const struct region *region, uint64_t number,
                              struct control *out)
{
    if (region->size < HEADER_BYTES)
        return SHM_SHORT;
    const struct control_header *s_header = region->s_base;
    const struct control_shape shape = {s_header->slot_count, s_header->call_cells, 0};
    if (shape.slot_count == 0 || shape.call_cells == 0 || shape.call_cells > CALL_CELLS_MAX ||
        (shape.call_cells > FIRST_CALL_CELLS &&
         shape.call_cells * sizeof(struct call_cell) > writer->max_bytes) ||
        (region->size != control_size(shape) && region->size != control_released_size(shape)))
        return SHM_CORRUPT;
    return control_adopt(region, shape, number, out);
}

/*
 * Retired control objects of a dead fetcher: clients may still count in them, and their contents are not collected yet.
 * Protected before the first access: clients can truncate them, too.
 */
void writer_adopt_retired(struct writer *writer)
{
    struct retired_name names[RETIRED_MAX];
    size_t count = retired_control_list(&writer->names, names, RETIRED_MAX);
    for (size_t i = 0; i < count; i++) {
        struct retired_control *retired = &writer->retired[i];
        struct region region = {0};
        struct control control;
        enum shm_status status = retired_control_open(&writer->names, names[i], &region);
        if (status == SHM_OK) {
            sigbus_protect(&region);
            status = attach(writer, &region, names[i].number, &control);
        }
        if (status != SHM_OK) {
            if (status != SHM_LAYOUT) /* a fetcher that knows the layout will collect it */
                retired_control_remove(&writer->names, names[i]);
            sigbus_unprotect(&region);
            region_close(&region);
            continue;
        }
        *retired = (struct retired_control){
            .region = region,
            .name = names[i],
            .stats = {.control = control, .number = names[i].number},
            .until = clock_tick() + RETIRED_KEEP_MS,
            .cut_off = control.s_header->id.layout_version != LAYOUT_VERSION,
        };
        if (control.shape.call_cells > writer->former_cells)
            writer->former_cells = control.shape.call_cells;
        call_stats_adopt(&retired->stats);
        writer_collect_lookups(writer, &control);
    }
}
