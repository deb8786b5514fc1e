/* SPDX-License-Identifier: MIT */
/* The clock for batches, a cheaper one for single calls, and percentiles of what they measured. */
#ifndef TOOLS_BENCH_TIMING_H
#define TOOLS_BENCH_TIMING_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

static inline uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* For single calls. The processor's counter costs a third of clock_gettime(). stamp_unit() is the length of a step. */
#if defined(__x86_64__)
#define STAMP_CLOCK "rdtsc"
static inline uint64_t stamp(void)
{
    return __builtin_ia32_rdtsc();
}
#else
#define STAMP_CLOCK "clock_gettime"
static inline uint64_t stamp(void)
{
    return clock_ns();
}
#endif

/* Nanoseconds of a step, measured over some milliseconds. */
static inline double stamp_unit(void)
{
    const uint64_t enough_ns = 20000000;
    uint64_t start_ns = clock_ns(), start = stamp(), now_ns;
    do
        now_ns = clock_ns();
    while (now_ns - start_ns < enough_ns);
    return (double)(now_ns - start_ns) / (double)(stamp() - start);
}

static inline int compare_values(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Sorts them, for percentile(). */
static inline void sort_values(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), compare_values);
}

/* The smallest value that this share of them does not exceed. */
static inline double percentile(const double *sorted, size_t count, double share)
{
    size_t rank = (size_t)(share * (double)count);
    return sorted[rank < count ? rank : count - 1];
}

#endif
