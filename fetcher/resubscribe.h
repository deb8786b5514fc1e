/* SPDX-License-Identifier: MIT */
/*
 * How fast known routes are requested again after a connect. All fetchers of a directory that was restarted do so at the
 * same time: each takes its time, so that the directory is not full meanwhile, and answers requests for new routes at
 * once. What is in use and expires is requested before its turn.
 */
#ifndef FETCHER_RESUBSCRIBE_H
#define FETCHER_RESUBSCRIBE_H

#include <stdint.h>

enum {
    RESUBSCRIBE_SPREAD_S = 6, /* for all routes, where resubscribe_per_second allows it */
    RESUBSCRIBE_LEAST = 10,   /* a second: few routes are soon done */
};

/* Requests a second for so many known routes. */
static inline uint32_t resubscribe_rate(uint64_t routes, uint32_t resubscribe_per_second)
{
    uint64_t rate = (routes + RESUBSCRIBE_SPREAD_S - 1) / RESUBSCRIBE_SPREAD_S;
    if (rate < RESUBSCRIBE_LEAST)
        rate = RESUBSCRIBE_LEAST;
    return rate < resubscribe_per_second ? (uint32_t)rate : resubscribe_per_second;
}

#endif
