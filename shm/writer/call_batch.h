/* SPDX-License-Identifier: MIT */
/* Results of calls to one host, on their way from the control object to its health. */
#ifndef SHM_WRITER_CALL_BATCH_H
#define SHM_WRITER_CALL_BATCH_H

#include <stdint.h>

/* Results of calls to one host since they were last collected. */
struct call_batch {
    uint64_t succ, err;
    uint64_t extra;    /* what slow failures count for judging, beyond one each */
    uint32_t err_run;  /* failures in a row: the longest run that went on in this batch, whenever it began */
    uint32_t succ_run; /* likewise of successes */
};

#endif
