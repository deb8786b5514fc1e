/* SPDX-License-Identifier: MIT */
/* What two samples say: how much of everything there is in a second. */
#ifndef TOOLS_LARSHM_TOP_RATES_H
#define TOOLS_LARSHM_TOP_RATES_H

#include "tools/larshm/top_sample.h"

enum top_sort {
    SORT_BY_RATE,
    SORT_BY_FAILURES,
    SORT_BY_AGE,
    SORTS,
};

/* "rate", "failures", "age". */
extern const char *const top_sort_names[SORTS];

/* In a second; negative: not known. */
struct top_results_rate {
    double succ, err;
};

struct top_row {
    struct route_key key;
    struct top_route route;
    double lookups; /* in a second; negative: not known */
    struct top_results_rate results;
};

struct top_rates {
    bool known; /* both samples are of an instance */
    double lookups, missed, expired;
    double counters[COUNTER_COUNT];
    struct top_results_rate results;
    struct top_row rows[TOP_ROUTES];
    size_t count;
};

/*
 * `rates` has what an earlier call made of samples before these, or is zeroed. Lists of routes and records of hosts are not read
 * as often as the rest: where a sample has the same ones as the one before, its rates stay.
 */
void top_rates_update(struct top_rates *rates, const struct top_sample *before,
                      const struct top_sample *after);

/* The share of failures, from 0 to 1; negative: no results, or none that are known. */
double top_failures(struct top_results_rate results);

/* Most first; the same where that is equal, by lookups and key. */
void top_rates_sort(struct top_rates *rates, enum top_sort sort);

#endif
