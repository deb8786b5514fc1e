/* SPDX-License-Identifier: MIT */
#include "shm/latency.h"

#include "shm/atomic.h"

const uint32_t latency_bounds_us[LATENCY_BUCKETS - 1] = {100,   250,   500,    1000,   2500,   5000,   10000,
                                                         25000, 50000, 100000, 250000, 500000, 1000000};

/* Relaxed, here and below: totals for people, one word each, of which one may be newer than another. */
void latency_read(const struct routes_header *s_header, struct latency *out)
{
    for (int i = 0; i < LATENCY_BUCKETS; i++)
        out->counts[i] = load_relaxed(&s_header->latency[i]);
    out->sum_us = load_relaxed(&s_header->latency_sum);
}

void latency_add(struct routes_header *s_header, uint64_t us)
{
    int bucket = 0;
    while (bucket < LATENCY_BUCKETS - 1 && us > latency_bounds_us[bucket])
        bucket++;
    /* One writer: a load and a store make an addition. */
    store_relaxed(&s_header->latency[bucket], load_relaxed(&s_header->latency[bucket]) + 1);
    store_relaxed(&s_header->latency_sum, load_relaxed(&s_header->latency_sum) + us);
}

void latency_copy(struct routes_header *s_to, const struct routes_header *s_from)
{
    struct latency latency;
    latency_read(s_from, &latency);
    for (int i = 0; i < LATENCY_BUCKETS; i++)
        store_relaxed(&s_to->latency[i], latency.counts[i]);
    store_relaxed(&s_to->latency_sum, latency.sum_us);
}
