/* SPDX-License-Identifier: MIT */
#include "shm/reader/call_stats.h"

#include "shm/layout.h"

enum {
    RUN_TRIES = 1000 /* only a malicious client overtakes another so often */
};

/*
 * The cell of a host, claimed if it has none. Two words name it, each set once: first the route, then the host. A
 * client that dies in between leaves a cell that any host of that route may take. Two clients that enter a
 * host at the same time end up in one cell: both try the cells in the same order, and none becomes free again. The words
 * alone matter, nothing is published with them; the fetcher sees with the flag that a cell has both.
 */
static struct call_cell *find_cell(const struct control *control, struct route_key key, struct host_addr host)
{
    uint32_t cells = control->shape.call_cells;
    uint64_t word = route_key_word(key), name = host_addr_word(host),
             hash = host_addr_hash(key, host, control->shape.hash_seed);
    uint32_t at = hash_scale(hash, cells);
    for (int probe = 0; probe < CALL_PROBE_MAX; probe++, at = at + 1 < cells ? at + 1 : 0) {
        struct call_cell *s_cell = &control->s_calls[at];
        uint64_t route = load_relaxed(&s_cell->key);
        if (route == 0 && claim_acq_rel(&s_cell->key, word))
            route = word;
        if (route == 0)
            route = load_relaxed(&s_cell->key); /* another client was faster */
        if (route != word)
            continue;
        uint64_t named = load_relaxed(&s_cell->host);
        if (named == 0 && claim_acq_rel(&s_cell->host, name))
            named = name;
        if (named == 0)
            named = load_relaxed(&s_cell->host);
        if (named == name)
            return s_cell;
    }
    return NULL;
}

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
 * Streaks, so that those which end between two collections are not lost. Acquire, and the counts after it:
 * they are no older than the mark, which another client took from them before it released it. The run of successes
 * before the mark that ends it: a load that acquires that mark finds it.
 */
static void record_failure(struct call_cell *s_cell, uint32_t weight)
{
    uint64_t seen = load_acquire(&s_cell->err_runs);
    for (int i = 0; i < RUN_TRIES; i++) {
        struct err_runs runs = err_runs_unpack(seen);
        uint64_t counts = load_relaxed(&s_cell->counts);
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

enum shm_status call_stats_record(const struct control *control, struct route_key key, struct host_addr host,
                                  bool success, uint32_t weight)
{
    struct call_cell *s_cell = find_cell(control, key, host);
    if (!s_cell) {
        add_relaxed(&control->s_header->refused, 1);
        return SHM_FULL;
    }
    /* Streaks and extra before the count: the collection that finds the failure finds its streak, too. */
    if (success) {
        add_seq_cst(&s_cell->counts, 1);
    } else {
        record_failure(s_cell, weight);
        if (weight > 1)
            add_relaxed(&s_cell->extra, weight - 1);
        add_seq_cst(&s_cell->counts, UINT64_C(1) << CALL_SUCC_BITS);
    }
    /* Pairs with the take of the flag in writer/collect.c: either this finds the flag down and raises it, or the
     * fetcher, which takes the flag before it loads the counts, finds the result. */
    hbitmap_set(&control->reported, (uint32_t)(s_cell - control->s_calls));
    return SHM_OK;
}
