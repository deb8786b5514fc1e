/* SPDX-License-Identifier: MIT */
/* Collects what clients put into control objects: flags and misses by key, samples of lookups, results until there is room
 * for more. */
#include "shm/writer/writer_internal.h"

#include "shm/atomic.h"
#include "shm/writer/collect.h"

struct flag_round writer_flags_begin(const struct writer *writer)
{
    return flag_round_begin(&writer->now.stats.control.stale, writer->flag_cursor);
}

void writer_flags_end(struct writer *writer, struct flag_round *round)
{
    writer->flag_cursor = flag_round_end(round);
}

struct miss_round writer_misses_begin(const struct writer *writer)
{
    return miss_round_begin(&writer->now.stats.control, writer->miss_cursor);
}

void writer_misses_end(struct writer *writer, struct miss_round *round)
{
    writer->miss_cursor = miss_round_end(round);
}

void writer_collect_uses(struct writer *writer)
{
    writer_collect_samples(writer, &writer->now.stats.control);
}

/* As many as dead fetchers had, where the hosts that have results need them: this one may have started with fewer. */
static uint32_t former_cells(const struct writer *writer, uint32_t hosts)
{
    struct call_stats stats = writer->now.stats;
    stats.known = hosts;
    uint32_t needed = call_stats_cells_needed(&stats, hosts);
    return needed < writer->former_cells ? needed : writer->former_cells;
}

/*
 * Creates a generation with more call cells if hosts that exist use half of them. If hosts that do not exist use
 * them, or if all cells that a host may use are taken, creates another control object with as many: it spreads hosts
 * over cells in another way. False: there is no room for more cells.
 */
static bool make_room_for_calls(struct writer *writer, uint32_t hosts, bool refused, uint64_t now)
{
    const struct call_stats *stats = &writer->now.stats;
    uint32_t cells = stats->control.shape.call_cells, needed = call_stats_cells_needed(stats, hosts),
             former = writer->judge ? former_cells(writer, hosts) : 0;
    if (needed < former)
        needed = former;
    uint64_t most = writer->max_bytes / CALL_CELL_BYTES;
    bool within = needed <= most;
    if (!within)
        needed = (uint32_t)most;
    bool larger = needed > cells;
    bool used_up = stats->used > cells / 2 && (larger || stats->used > stats->known);
    if (!used_up && !refused && !(larger && former > cells))
        return true;
    if (writer->no_space && now < writer->no_space + NO_SPACE_MS)
        return within && !larger;
    if (!larger) {
        if (now >= writer->spread + SPREAD_MS) {
            writer->spread = now;
            writer_renew_control(writer, now);
        }
        return within;
    }
    writer->call_cells = needed;
    if (writer_recreate(writer, now) == SHM_OK)
        return true;
    writer->call_cells = cells;
    return false;
}

void writer_collect_calls(struct writer *writer, uint32_t budget, uint32_t hosts, uint64_t now)
{
    writer_collect_object_calls(writer, &writer->now.stats, budget);
    for (int i = 0; i < RETIRED_MAX; i++) {
        struct retired_control *retired = &writer->retired[i];
        if (!retired->region.s_base)
            continue;
        if (retired->cut_off && writer->judge)
            writer_end_retired(writer, retired);
        else
            writer_collect_object_calls(writer, &retired->stats, budget / RETIRED_MAX);
    }
    /* While there is no room for records, results are refused although there are cells. */
    bool refused = writer->now.stats.refused != 0 && !load_relaxed(&writer_header(writer)->hosts_full);
    bool room = make_room_for_calls(writer, hosts, refused, now);
    writer_gauge(writer, COUNTER_cells_reached, refused && !room);
}
