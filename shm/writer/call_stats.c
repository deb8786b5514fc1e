/* SPDX-License-Identifier: MIT */
#include "shm/writer/call_stats.h"

#include "shm/call_cell.h"
#include "shm/layout.h"
#include "shm/writer/collect.h"

#define SUCC_MASK ((UINT64_C(1) << CALL_SUCC_BITS) - 1)

/*
 * Takes the longest streaks that went on at any time since the round before; one that goes on now is the first of
 * the next round. Streaks may be newer than the counts: one whose calls are not counted yet is left to the round
 * that finds them counted. The price: a streak of successes that ended just after the round before may be taken
 * twice.
 */
static void take_runs(struct call_cell *s_cell, uint64_t counts, struct call_batch *batch)
{
    /* Pairs with the exchange in record_failure(): the run of successes that this mark ended is there. */
    struct err_runs runs = err_runs_unpack(load_acquire(&s_cell->err_runs));
    if (batch->succ) {
        uint32_t ended = load_relaxed(&s_cell->succ_run) ? (uint32_t)take_relaxed(&s_cell->succ_run) : 0;
        uint32_t going_on = succ_run_since(runs.mark, counts);
        batch->succ_run = ended > going_on ? ended : going_on;
    }
    if (batch->err) {
        /* In one step: a streak that ended between a load and the clearing would be lost. */
        uint64_t longest = err_runs_pack((struct err_runs){.longest = RUN_MAX});
        struct err_runs taken = err_runs_unpack(clear_bits_acq_rel(&s_cell->err_runs, longest));
        batch->err_run = taken.longest > taken.run ? taken.longest : taken.run;
    }
}

/* False: a client has written what host_addr_word() never gives. */
static bool names_host(uint64_t word)
{
    return word != 0 && host_addr_word(host_addr_from_word(word)) == word;
}

struct flag_round call_stats_begin(const struct call_stats *stats)
{
    return flag_round_begin(&stats->control.reported, stats->cursor);
}

static bool read_cell(const struct control *control, uint64_t host, struct call_report *out)
{
    struct call_cell *s_cell = &control->s_calls[out->cell];
    /* Its loads pair with add_seq_cst() in call_stats_add(): the flag was taken before. */
    uint64_t counts = call_cell_counts(control, out->cell), extra = load_relaxed(&s_cell->extra);
    uint64_t taken = load_relaxed(&s_cell->taken), more = counts - taken;
    out->key = route_key_from_word(load_relaxed(&s_cell->key));
    out->host = host_addr_from_word(host);
    out->batch = (struct call_batch){.succ = more & SUCC_MASK,
                                     .err = more >> CALL_SUCC_BITS,
                                     .extra = extra - load_relaxed(&s_cell->taken_extra)};
    out->counts = counts;
    out->extra = extra;
    out->first = taken == 0;
    if (more == 0 || route_key_is_none(out->key) || !names_host(host))
        return false;
    take_runs(s_cell, counts, &out->batch);
    return true;
}

bool call_stats_next(const struct call_stats *stats, struct flag_round *round, struct call_report *out)
{
    out->control = stats->number;
    while (flag_round_next(round, &out->cell)) {
        if (read_cell(&stats->control, load_relaxed(&stats->control.s_calls[out->cell].host), out))
            return true;
    }
    return false;
}

bool call_stats_end_cell(struct call_stats *stats, struct call_report *report)
{
    struct call_cell *s_cell = &stats->control.s_calls[report->cell];
    uint64_t host = load_relaxed(&s_cell->host);
    /* A client names a cell only where the name is 0, and uses only a cell with its host's name. So the first
     * exchange fails only if a client has just named the cell, and no client names it again: the second succeeds. */
    if (!exchange_acq_rel(&s_cell->host, &host, CALL_CELL_ENDED) &&
        !exchange_acq_rel(&s_cell->host, &host, CALL_CELL_ENDED))
        return false;
    return read_cell(&stats->control, host, report);
}

/* Only once the caller has committed it: after a death in between, the next fetcher calls call_stats_resume(). */
void call_stats_keep(struct call_stats *stats, const struct call_report *report, bool known)
{
    struct call_cell *s_cell = &stats->control.s_calls[report->cell];
    store_relaxed(&s_cell->taken_extra, report->extra);
    store_relaxed(&s_cell->taken, report->counts);
    stats->used += report->first;
    stats->known += report->first && known;
}

void call_stats_end(struct call_stats *stats, struct flag_round *round)
{
    stats->cursor = flag_round_end(round);
}

void call_stats_adopt(struct call_stats *stats)
{
    for (uint32_t at = 0; at < stats->control.shape.call_cells; at++) {
        const struct call_cell *s_cell = &stats->control.s_calls[at];
        if (call_cell_counts(&stats->control, at) != load_relaxed(&s_cell->taken))
            hbitmap_set(&stats->control.reported, at);
    }
}

void call_stats_resume(struct call_stats *stats, struct route_key key, uint32_t cell, uint64_t counts,
                       uint64_t extra)
{
    if (cell >= stats->control.shape.call_cells)
        return;
    struct call_cell *s_cell = &stats->control.s_calls[cell];
    if (load_relaxed(&s_cell->key) != route_key_word(key) ||
        (int64_t)(counts - load_relaxed(&s_cell->taken)) <= 0)
        return;
    store_relaxed(&s_cell->taken_extra, extra);
    store_relaxed(&s_cell->taken, counts);
}

void call_stats_reset_runs(struct call_stats *stats, uint32_t cell)
{
    struct call_cell *s_cell = &stats->control.s_calls[cell];
    uint32_t mark = (uint32_t)call_cell_counts(&stats->control, cell) & ((1 << RUN_MARK_BITS) - 1);
    store_relaxed(&s_cell->err_runs, err_runs_pack((struct err_runs){.mark = mark}));
    store_relaxed(&s_cell->succ_run, 0);
}

void call_stats_name(struct call_stats *stats, struct route_key key, struct host_addr host)
{
    uint32_t cell = call_cell_claim(&stats->control, key, host);
    if (cell == CALL_CELL_NONE || load_relaxed(&stats->control.s_calls[cell].taken))
        return;
    struct call_cell *s_cell = &stats->control.s_calls[cell];
    /* A success that is taken already, and belongs to no streak. Added, for a client may be adding at this moment. */
    add_relaxed(&s_cell->counts, 1);
    store_relaxed(&s_cell->taken, 1);
    call_stats_reset_runs(stats, cell);
    stats->used++;
    stats->known++;
}

uint32_t call_stats_cells_needed(const struct call_stats *stats, uint32_t hosts)
{
    uint32_t cells = stats->control.shape.call_cells, needed = cells;
    uint32_t known = stats->known < hosts ? stats->known : hosts;
    while (needed < CALL_CELLS_MAX && known > needed / 2)
        needed *= 4;
    return needed > CALL_CELLS_MAX ? CALL_CELLS_MAX : needed;
}
