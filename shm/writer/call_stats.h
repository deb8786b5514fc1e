/* SPDX-License-Identifier: MIT */
/*
 * The fetcher half of call results: collects what clients have recorded since the last collection. Counts in the control
 * object only grow, and beside them is how far they are collected: clients could forge either. Whatever they write, a
 * call ends after a bounded number of steps, and reads each word once.
 */
#ifndef SHM_WRITER_CALL_STATS_H
#define SHM_WRITER_CALL_STATS_H

#include <stdbool.h>

#include "shm/control.h"
#include "shm/layout.h"
#include "shm/writer/call_batch.h"

struct call_stats {
    struct control control;
    uint32_t cursor;
    uint32_t used;    /* cells that have had results */
    uint32_t known;   /* of these, those of hosts that exist */
    uint32_t refused; /* results without a cell that are counted so far */
};

struct call_report {
    struct route_key key;
    struct host_addr host;
    struct call_batch batch;
    uint32_t cell;
    uint64_t counts, extra; /* of the cell, as read now */
};

/* Calls `report` for each cell with new results, for at most some 64 more than `budget`; the rest comes at the next
 * collection. `report` returns whether the host exists. */
void call_stats_collect(struct call_stats *stats, uint32_t budget,
                        bool (*report)(void *context, const struct call_report *report), void *context);

/* Goes on where a fetcher died: its flags mean nothing, it may have taken some without collecting the results. */
void call_stats_adopt(struct call_stats *stats);

/* That fetcher had committed this much of a cell of route `key`, and may have died before it stored this in the cell. */
void call_stats_resume(struct call_stats *stats, struct route_key key, uint32_t cell, uint64_t counts,
                       uint64_t extra);

/* The host's state has changed: resets its streaks. A call that ends at this moment may count to either side. */
void call_stats_reset_runs(struct call_stats *stats, uint32_t cell);

/* Cells that the next control object should have: four times as many once half of these are used by hosts that exist.
 * `hosts`: how many the caller knows, since clients can make cells look used. */
uint32_t call_stats_cells_needed(const struct call_stats *stats, uint32_t hosts);

#endif
