/* SPDX-License-Identifier: MIT */
/* How long the fetcher sleeps between two polls: longer after a second in which nothing was counted. */
#ifndef FETCHER_PACE_H
#define FETCHER_PACE_H

#include <stdint.h>

enum {
    PACE_QUIET_MS = 1000,
    PACE_IDLE_MS = 100,
};

/* Zero-initialise. */
struct pace {
    uint64_t counted; /* at the last poll */
    uint64_t changed; /* tick: when that was another number last */
};

/* `counted` changes with each demand, answer and result. Returns the milliseconds until the next poll. */
uint32_t pace_next(struct pace *pace, uint64_t counted, uint32_t poll_interval_ms, uint64_t now);

#endif
