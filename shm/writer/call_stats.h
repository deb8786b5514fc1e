/* SPDX-License-Identifier: MIT */
/*
 * The fetcher half of call results: what came since the look before. Counts in the control object only grow, and beside
 * them is how far they are taken: clients could forge the one as well as the other. Whatever they write, a call ends
 * after a bounded number of steps, and reads each word once.
 */
#ifndef SHM_WRITER_CALL_STATS_H
#define SHM_WRITER_CALL_STATS_H

#include <stdbool.h>

#include "shm/control.h"
#include "shm/host_health.h"

struct call_stats {
    struct control control;
    uint32_t cursor;
    uint32_t used;    /* cells that had something so far */
    uint32_t known;   /* of these, those of hosts that exist */
    uint32_t refused; /* of the results that had no cell, so many are counted */
};

struct call_report {
    struct route_key key;
    struct host_addr host;
    struct call_batch batch;
    uint32_t cell;
    uint64_t counts, extra; /* of the cell, as far as they are read now */
};

/* Calls `report` for each cell with something new, some 64 more than `budget` of them at most; the rest comes at the
 * next look. It says whether the host exists. */
void call_stats_collect(struct call_stats *stats, uint32_t budget,
                        bool (*report)(void *context, const struct call_report *report), void *context);

/* Goes on where a fetcher died: flags say nothing then, it may have taken some and not what they stood for. */
void call_stats_adopt(struct call_stats *stats);

/* It had kept this much of a cell of route `key`, and may have died before it said so in the cell. */
void call_stats_resume(struct call_stats *stats, struct route_key key, uint32_t cell, uint64_t counts,
                       uint64_t extra);

/* The host's state has changed: its streaks begin anew. A call that ends at this moment may count to either side. */
void call_stats_reset_runs(struct call_stats *stats, uint32_t cell);

/* Cells that the next control object should have: four times as many once half of these are used by hosts that exist.
 * `hosts`: how many the caller knows, for clients can make cells look used. */
uint32_t call_stats_cells_needed(const struct call_stats *stats, uint32_t hosts);

#endif
