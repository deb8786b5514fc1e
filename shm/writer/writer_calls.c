/* SPDX-License-Identifier: MIT */
/* What clients counted in control objects: lookups, for the totals and the list of routes that are used most, and results of
 * calls, for the judge. */
#include "shm/writer/writer_internal.h"

#include "shm/atomic.h"
#include "shm/index.h"

void writer_collect_lookups(struct writer *writer, const struct control *control)
{
    struct lookup_counts counts = collect_lookups(control);
    writer_count(writer, COUNTER_lookups, counts.lookups);
    writer_count(writer, COUNTER_lookups_missed, counts.missed);
    writer_count(writer, COUNTER_lookups_expired, counts.expired);
    writer_collect_samples(writer, control);
}

static bool is_route(const struct writer *writer, struct route_key key)
{
    return index_find(&writer->now.publisher.routes, key) != SLOT_NONE;
}

/* Of routes that are cached alone: clients may have named any. */
void writer_collect_samples(struct writer *writer, const struct control *control)
{
    struct route_use samples[USE_CELLS];
    size_t count = collect_uses(control, samples);
    for (size_t i = 0; i < count; i++)
        if (is_route(writer, samples[i].key))
            use_sums_add(&writer->uses, samples[i].key, samples[i].lookups);
}

void writer_resume_uses(struct writer *writer)
{
    struct route_use routes[TOP_ROUTES];
    use_sums_resume(&writer->uses, routes, top_routes_read(writer_header(writer), routes));
}

void writer_publish_uses(struct writer *writer)
{
    struct route_use routes[TOP_ROUTES];
    size_t count = use_sums_top(&writer->uses, routes), cached = 0;
    for (size_t i = 0; i < count; i++)
        if (is_route(writer, routes[i].key))
            routes[cached++] = routes[i];
    top_routes_write(writer_header(writer), routes, cached);
}

void writer_collect_object_calls(struct writer *writer, struct call_stats *stats, uint32_t budget)
{
    struct call_report report;
    if (!writer->judge)
        return;
    struct flag_round round = call_stats_begin(stats);
    for (; budget > 0 && call_stats_next(stats, &round, &report); budget--)
        call_stats_keep(stats, &report, writer->judge(writer->judge_context, &report));
    call_stats_end(stats, &round);
    uint32_t refused = load_relaxed(&stats->control.s_header->refused);
    writer_count(writer, COUNTER_reports_refused, refused - stats->refused);
    stats->refused = refused;
}

void writer_end_object_calls(struct writer *writer, struct call_stats *stats)
{
    struct call_report report = {.control = stats->number};
    if (!writer->judge)
        return;
    /* First with the names of hosts in place: if the fetcher dies meanwhile, the next one finds them. */
    writer_collect_object_calls(writer, stats, UINT32_MAX);
    for (report.cell = 0; report.cell < stats->control.shape.call_cells; report.cell++)
        if (call_stats_end_cell(stats, &report))
            call_stats_keep(stats, &report, writer->judge(writer->judge_context, &report));
}

void writer_reset_runs(struct writer *writer, uint64_t control, uint32_t cell)
{
    if (control == writer_control(writer) && cell < writer->now.stats.control.shape.call_cells)
        call_stats_reset_runs(&writer->now.stats, cell);
}

/* Relaxed: advice to clients; see larshm_report(). */
void writer_set_hosts_full(struct writer *writer, bool full)
{
    store_relaxed(&writer_header(writer)->hosts_full, full);
}

void writer_name_host(struct writer *writer, struct route_key key, struct host_addr host)
{
    call_stats_name(&writer->now.stats, key, host);
}

void writer_resume_calls(struct writer *writer, uint64_t control, struct route_key key, uint32_t cell,
                         uint64_t counts, uint64_t extra)
{
    for (int i = 0; i < RETIRED_MAX; i++)
        if (writer->retired[i].region.s_base && writer->retired[i].stats.number == control)
            call_stats_resume(&writer->retired[i].stats, key, cell, counts, extra);
}
