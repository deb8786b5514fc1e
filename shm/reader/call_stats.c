/* SPDX-License-Identifier: MIT */
#include "shm/reader/call_stats.h"

#include "shm/call_cell.h"
#include "shm/layout.h"

enum {
    RUN_TRIES = 1000 /* only a malicious client overtakes another so often */
};

static uint32_t capped(uint64_t run)
{
    return run < RUN_MAX ? (uint32_t)run : RUN_MAX;
}

static void record_success_run(struct call_cell *s_cell, uint32_t run)
{
    uint64_t longest = load_relaxed(&s_cell->succ_run);
    for (int i = 0; i < RUN_TRIES && longest < run; i++)
        if (exchange_acq_rel(&s_cell->succ_run, &longest, run))
            break;
}

/*
 * Keeps the streaks, so that one which ends between two collections is not lost. The mark is how many successes
 * there were at the last failure.
 *
 * Acquire of the mark, which pairs with the exchange by another client, then the counts: they are no older than
 * those that the mark was taken from, or the failure would seem to come before successes that it came after. The
 * run of successes is stored before the mark that ends it is released: take_runs() of the fetcher, which acquires
 * the mark, finds the run.
 */
static void record_failure(const struct control *control, uint32_t cell, uint32_t weight)
{
    struct call_cell *s_cell = &control->s_calls[cell];
    uint64_t seen = load_acquire(&s_cell->err_runs);
    for (int i = 0; i < RUN_TRIES; i++) {
        struct err_runs runs = err_runs_unpack(seen);
        uint64_t counts = call_cell_counts(control, cell);
        uint32_t succ_run = succ_run_since(runs.mark, counts);
        if (succ_run)
            record_success_run(s_cell, succ_run);
        runs.run = capped((succ_run ? 0 : (uint64_t)runs.run) + weight);
        runs.longest = runs.longest > runs.run ? runs.longest : runs.run;
        runs.mark = (uint32_t)counts & ((1 << RUN_MARK_BITS) - 1);
        if (exchange_acq_rel(&s_cell->err_runs, &seen, err_runs_pack(runs)))
            return;
    }
}

static enum shm_status refuse(const struct control *control)
{
    add_relaxed(&control->s_header->refused, 1);
    return SHM_FULL;
}

/* Streaks and extra before the count: the collection that finds the failure finds its streak, too. */
static enum shm_status record(const struct control *control, uint32_t cell, bool success, uint32_t weight,
                              uint32_t thread)
{
    struct call_cell *s_cell = &control->s_calls[cell];
    if (success) {
        call_stats_add_success(control, cell, thread);
        return SHM_OK;
    }
    record_failure(control, cell, weight);
    if (weight > 1)
        add_relaxed(&s_cell->extra, weight - 1);
    call_stats_add(control, cell, &s_cell->counts, UINT64_C(1) << CALL_SUCC_BITS);
    return SHM_OK;
}

enum shm_status call_stats_record(const struct control *control, struct route_key key, struct host_addr host,
                                  bool success, uint32_t weight, uint32_t thread)
{
    uint32_t cell = call_cell_claim(control, key, host);
    return cell != CALL_CELL_NONE ? record(control, cell, success, weight, thread) : refuse(control);
}

enum shm_status call_stats_record_known(const struct control *control, struct route_key key,
                                        struct host_addr host, bool success, uint32_t weight, uint32_t thread)
{
    uint32_t cell = call_cell_find(control, key, host);
    /* Relaxed: once it is not 0 it stays so; seen late, one more result is refused. */
    return cell != CALL_CELL_NONE && load_relaxed(&control->s_calls[cell].taken)
               ? record(control, cell, success, weight, thread)
               : refuse(control);
}
