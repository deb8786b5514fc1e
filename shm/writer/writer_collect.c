/* SPDX-License-Identifier: MIT */
/* Collects what clients put into control objects, by key and host: flags, misses, results of calls. */
#include "shm/writer/writer_internal.h"

#include "shm/atomic.h"
#include "shm/writer/collect.h"

struct flag_filter {
    const struct writer *writer;
    bool (*flagged)(void *context, struct route_key key);
    void *context;
};

static bool flag_to_key(void *context, uint32_t slot)
{
    const struct flag_filter *filter = context;
    uint64_t word = load_relaxed(&routes_slot(&filter->writer->now.publisher.routes, slot)->key);
    return word == 0 || filter->flagged(filter->context, route_key_from_word(word));
}

void writer_collect_flags(struct writer *writer, uint32_t budget,
                          bool (*flagged)(void *context, struct route_key key), void *context)
{
    struct flag_filter filter = {.writer = writer, .flagged = flagged, .context = context};
    collect_flags(&writer->now.stats.control.stale, &writer->flag_cursor, budget, flag_to_key, &filter);
}

void writer_collect_misses(struct writer *writer, bool (*missed)(void *context, struct route_key key),
                           void *context)
{
    collect_misses(&writer->now.stats.control, &writer->miss_cursor, missed, context);
}

struct call_filter {
    const struct writer *writer;
    uint64_t generation;
};

static bool call_to_generation(void *context, const struct call_report *report)
{
    const struct call_filter *filter = context;
    return filter->writer->on_calls(filter->writer->on_calls_context, report, filter->generation);
}

void writer_on_calls(struct writer *writer,
                     bool (*report)(void *context, const struct call_report *report, uint64_t generation),
                     void *context)
{
    writer->on_calls = report;
    writer->on_calls_context = context;
}

void writer_collect_generation_calls(struct writer *writer, struct call_stats *stats, uint64_t generation,
                                     uint32_t budget)
{
    struct call_filter filter = {writer, generation};
    if (!writer->on_calls)
        return;
    call_stats_collect(stats, budget, call_to_generation, &filter);
    uint32_t refused = load_relaxed(&stats->control.s_header->refused);
    writer_count(writer, COUNTER_reports_refused, refused - stats->refused);
    stats->refused = refused;
}

/*
 * More room for hosts with results; or the same again, if hosts that do not exist use it, or if one had the bad luck to
 * find all of its cells in use: another generation spreads them in another way.
 */
static void make_room_for_calls(struct writer *writer, uint32_t hosts, bool refused, uint64_t now,
                                char message[static WRITER_MESSAGE_MAX])
{
    const struct call_stats *stats = &writer->now.stats;
    uint32_t cells = stats->control.shape.call_cells, needed = call_stats_cells_needed(stats, hosts);
    bool larger = needed > cells && needed * sizeof(struct call_cell) <= writer->max_bytes;
    if ((!refused && stats->used <= cells / 2) ||
        (writer->no_space && now < writer->no_space + NO_SPACE_MS) ||
        (!larger && now < writer->compacted + COMPACT_MS))
        return;
    if (larger)
        writer->call_cells = needed;
    else
        writer->compacted = now;
    if (writer_recreate(writer, now, message) != SHM_OK)
        writer->call_cells = cells;
}

void writer_collect_calls(struct writer *writer, uint32_t budget, uint32_t hosts, uint64_t now,
                          char message[static WRITER_MESSAGE_MAX])
{
    message[0] = '\0';
    writer_collect_generation_calls(writer, &writer->now.stats, writer_generation(writer), budget);
    for (int i = 0; i < RETIRED_MAX; i++) {
        struct retired_control *retired = &writer->retired[i];
        if (retired->region.s_base)
            writer_collect_generation_calls(writer, &retired->stats, retired->generation,
                                            budget / RETIRED_MAX);
    }
    make_room_for_calls(writer, hosts, writer->now.stats.refused != 0, now, message);
}

void writer_reset_runs(struct writer *writer, uint64_t generation, uint32_t cell)
{
    if (generation == writer_generation(writer) && cell < writer->now.stats.control.shape.call_cells)
        call_stats_reset_runs(&writer->now.stats, cell);
}

void writer_resume_calls(struct writer *writer, uint64_t generation, struct route_key key, uint32_t cell,
                         uint64_t counts, uint64_t extra)
{
    for (int i = 0; i < RETIRED_MAX; i++)
        if (writer->retired[i].region.s_base && writer->retired[i].generation == generation)
            call_stats_resume(&writer->retired[i].stats, key, cell, counts, extra);
}
