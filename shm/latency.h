/* SPDX-License-Identifier: MIT */
/* How long the directory took to answer requests, in the header: running totals, as the counters. For people. */
#ifndef SHM_LATENCY_H
#define SHM_LATENCY_H

#include "shm/layout.h"

/* The upper bound of each bucket, itself included; the last bucket has none. */
extern const uint32_t latency_bounds_us[LATENCY_BUCKETS - 1];

struct latency {
    uint64_t counts[LATENCY_BUCKETS]; /* each without those of the buckets before it */
    uint64_t sum_us;
};

void latency_read(const struct routes_header *s_header, struct latency *out);

/* One writer. Adds a request that was answered after so many microseconds. */
void latency_add(struct routes_header *s_header, uint64_t us);

/* Sets them to those of another object. */
void latency_copy(struct routes_header *s_to, const struct routes_header *s_from);

#endif
