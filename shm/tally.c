/* SPDX-License-Identifier: MIT */
#include "shm/tally.h"

#include <stdlib.h>

#include "shm/harvest.h"
#include "shm/tell.h"

/* How far a cell is read. */
struct tally_mark {
    uint64_t counts, extra;
};

#define SUCC_MASK ((UINT64_C(1) << CALL_SUCC_BITS) - 1)

enum shm_status tally_init(struct tally *tally, const struct control *control)
{
    struct tally_mark *marks = calloc(control->shape.call_cells, sizeof(*marks));
    if (!marks)
        return SHM_SYSTEM_ERROR;
    *tally = (struct tally){.control = *control, .marks = marks};
    return SHM_OK;
}

void tally_free(struct tally *tally)
{
    free(tally->marks);
    *tally = (struct tally){0};
}

struct take {
    struct tally *tally;
    bool (*report)(void *context, const struct call_report *report);
    void *context;
};

/* The longest streak of failures that went on since the look before; the next one begins with what goes on now. */
static uint32_t take_err_run(struct call_cell *s_cell, uint32_t *mark)
{
    struct err_runs runs = err_runs_unpack(load_relaxed(&s_cell->err_runs));
    *mark = runs.mark;
    if (runs.longest)
        clear_bits_acq_rel(&s_cell->err_runs, err_runs_pack((struct err_runs){.longest = RUN_MAX}));
    return runs.longest > runs.run ? runs.longest : runs.run;
}

static bool cell_found(void *context, uint32_t at)
{
    const struct take *take = context;
    struct call_cell *s_cell = &take->tally->control.s_calls[at];
    struct tally_mark *mark = &take->tally->marks[at];
    /* Pairs with add_seq_cst() in tell_call(): the flag was taken before. */
    uint64_t counts = load_seq_cst(&s_cell->counts), extra = load_relaxed(&s_cell->extra);
    uint64_t more = counts - mark->counts;
    struct call_report report = {
        .key = key_word(load_relaxed(&s_cell->key)),
        .host = load_relaxed(&s_cell->host),
        .batch = {.succ = more & SUCC_MASK, .err = more >> CALL_SUCC_BITS, .extra = extra - mark->extra},
        .cell = at,
        .counts = counts,
        .extra = extra,
    };
    if (more == 0 || report.key == KEY_INVALID || report.host == 0)
        return true;
    bool first = mark->counts == 0;
    *mark = (struct tally_mark){counts, extra};
    uint32_t run_mark, err_run = take_err_run(s_cell, &run_mark);
    uint32_t succ_run = load_relaxed(&s_cell->succ_run) ? (uint32_t)take_relaxed(&s_cell->succ_run) : 0;
    uint32_t going_on = succ_run_since(run_mark, counts);
    report.batch.err_run = report.batch.err ? err_run : 0;
    report.batch.succ_run = !report.batch.succ ? 0 : succ_run > going_on ? succ_run : going_on;
    bool known = take->report(take->context, &report);
    take->tally->used += first;
    take->tally->known += first && known;
    return true;
}

void tally_take(struct tally *tally, uint32_t budget,
                bool (*report)(void *context, const struct call_report *report), void *context)
{
    struct take take = {.tally = tally, .report = report, .context = context};
    harvest_flags(&tally->control.reported, &tally->cursor, budget, cell_found, &take);
}

void tally_resume(struct tally *tally, uint64_t key, uint64_t host, uint32_t cell, uint64_t counts,
                  uint64_t extra)
{
    if (cell >= tally->control.shape.call_cells)
        return;
    const struct call_cell *s_cell = &tally->control.s_calls[cell];
    if (load_relaxed(&s_cell->key) == key_word(key) && load_relaxed(&s_cell->host) == host)
        tally->marks[cell] = (struct tally_mark){counts, extra};
}

void tally_begin_runs(struct tally *tally, uint32_t cell)
{
    struct call_cell *s_cell = &tally->control.s_calls[cell];
    uint32_t mark = (uint32_t)load_relaxed(&s_cell->counts) & ((1 << RUN_MARK_BITS) - 1);
    store_relaxed(&s_cell->err_runs, err_runs_pack((struct err_runs){.mark = mark}));
    store_relaxed(&s_cell->succ_run, 0);
}

uint32_t tally_cells_needed(const struct tally *tally)
{
    uint32_t cells = tally->control.shape.call_cells, needed = cells;
    while (needed < CALL_CELLS_MAX && tally->known > needed / 2)
        needed *= 4;
    return needed > CALL_CELLS_MAX ? CALL_CELLS_MAX : needed;
}
