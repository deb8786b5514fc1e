/* SPDX-License-Identifier: MIT */
/* The client half of call results: telling the fetcher how calls went, without waiting and without a lock. */
#ifndef SHM_TELL_H
#define SHM_TELL_H

#include <stdbool.h>

#include "shm/control.h"

enum {
    TELL_PROBES = 32,        /* call cells that a host may use, from its home on */
    TELL_WEIGHT_MAX = 10000, /* of one failure */
};

/*
 * Adds the result of one call to the cell of host `host` (host_word()) of route `key`. A failure counts `weight` times
 * when hosts are judged, 1 .. TELL_WEIGHT_MAX. SHM_FULL: no cell for this host; that is counted, and the fetcher makes
 * room.
 */
enum shm_status tell_call(const struct control *control, uint64_t key, uint64_t host, bool success,
                          uint32_t weight);

/* The fields of call_cell.err_runs. */
enum {
    RUN_MARK_BITS = 24,
    RUN_BITS = 20,
    RUN_MAX = (1 << RUN_BITS) - 1,
};
struct err_runs {
    uint32_t mark;    /* successes when a failure last came, the low RUN_MARK_BITS of them */
    uint32_t run;     /* failures in a row, up to then */
    uint32_t longest; /* since the fetcher looked last */
};

static inline struct err_runs err_runs_unpack(uint64_t word)
{
    return (struct err_runs){.mark = (uint32_t)(word & ((1 << RUN_MARK_BITS) - 1)),
                             .run = (uint32_t)(word >> RUN_MARK_BITS & RUN_MAX),
                             .longest = (uint32_t)(word >> (RUN_MARK_BITS + RUN_BITS))};
}

static inline uint64_t err_runs_pack(struct err_runs runs)
{
    return runs.mark | (uint64_t)runs.run << RUN_MARK_BITS |
           (uint64_t)runs.longest << (RUN_MARK_BITS + RUN_BITS);
}

/* Successes in a row since the mark. None if the mark is the newer of the two: a failure came after `counts` was read.
 * A difference of 2^23 or more cannot be told from that. */
static inline uint32_t succ_run_since(uint32_t mark, uint64_t counts)
{
    uint32_t since = ((uint32_t)counts - mark) & ((1 << RUN_MARK_BITS) - 1);
    return since < 1 << (RUN_MARK_BITS - 1) ? since : 0;
}

#endif
