/* SPDX-License-Identifier: MIT */
/* Streaks of results in a call cell, as the client records them and the fetcher collects them. */
#ifndef SHM_CALL_RUNS_H
#define SHM_CALL_RUNS_H

#include <stdint.h>

/* The fields of call_cell.err_runs. */
enum {
    RUN_MARK_BITS = 24,
    RUN_BITS = 20,
    RUN_MAX = (1 << RUN_BITS) - 1,
};
struct err_runs {
    uint32_t mark;    /* successes when a failure last came, the low RUN_MARK_BITS of them */
    uint32_t run;     /* failures in a row, up to then */
    uint32_t longest; /* since the fetcher last collected */
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
 * A difference of 2^23 or more looks the same. */
static inline uint32_t succ_run_since(uint32_t mark, uint64_t counts)
{
    uint32_t since = ((uint32_t)counts - mark) & ((1 << RUN_MARK_BITS) - 1);
    return since < 1 << (RUN_MARK_BITS - 1) ? since : 0;
}

#endif
