/* SPDX-License-Identifier: MIT */
/*
 * The fetcher half of call results: what came since the round before. Counts in the control object only grow, and
 * beside them is how far they are taken: clients could forge the one as well as the other. Whatever they write, a call
 * ends after a bounded number of steps, and reads each word once.
 */
#ifndef SHM_WRITER_CALL_STATS_H
#define SHM_WRITER_CALL_STATS_H

#include <stdbool.h>

#include "shm/control.h"
#include "shm/layout.h"
#include "shm/writer/call_batch.h"
#include "shm/writer/collect.h"

struct call_stats {
    struct control control;
    uint64_t number; /* of the control object */
    uint32_t cursor;
    uint32_t used;    /* cells that had something so far */
    uint32_t known;   /* of these, those of hosts that exist */
    uint32_t refused; /* of the results that had no cell, so many are counted */
};

struct call_report {
    struct route_key key;
    struct host_addr host;
    struct call_batch batch;
    uint64_t control;       /* number of the object */
    uint64_t counts, extra; /* of the cell, as far as they are read now */
    uint32_t cell;
    bool first; /* of the cell */
};

/* A round over all cells with something new; see flag_round_begin(). */
struct flag_round call_stats_begin(const struct call_stats *stats);

/* The next cell with something new. False: there is none. */
bool call_stats_next(const struct call_stats *stats, struct flag_round *round, struct call_report *out);

/* What a report says is kept now. `known`: its host exists. Without this the next round reports it again. */
void call_stats_keep(struct call_stats *stats, const struct call_report *report, bool known);

void call_stats_end(struct call_stats *stats, struct flag_round *round);

/*
 * Ends the cell report->cell: it yields what it has, and takes no more results. False: it had nothing new. Not covered: a
 * client that has found the cell and is stopped before it adds to it.
 */
bool call_stats_end_cell(struct call_stats *stats, struct call_report *report);

/* Goes on where a fetcher died: flags say nothing then, it may have taken some and not what they stood for. */
void call_stats_adopt(struct call_stats *stats);

/* That fetcher had committed this much of a cell of route `key`, and may have died before it stored this in the cell. */
void call_stats_resume(struct call_stats *stats, struct route_key key, uint32_t cell, uint64_t counts,
                       uint64_t extra);

/* The host's state has changed: its streaks start again. A call that ends at this moment may count to either side. */
void call_stats_reset_runs(struct call_stats *stats, uint32_t cell);

/* Names a cell for a host that has a record: it looks as if one result had been collected from it. */
void call_stats_name(struct call_stats *stats, struct route_key key, struct host_addr host);

/* Cells that the next control object should have: four times as many once half of these are used by hosts that exist.
 * `hosts`: how many the caller knows, for clients can make cells look used. */
uint32_t call_stats_cells_needed(const struct call_stats *stats, uint32_t hosts);

#endif
