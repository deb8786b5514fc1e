/* SPDX-License-Identifier: MIT */
/* The clock for batches, and a cheaper one for single calls. */
#ifndef TOOLS_BENCH_STAMP_H
#define TOOLS_BENCH_STAMP_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Of single calls. The processor's counter costs a third of clock_gettime(); stamp_unit() says what a step of it is. */
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

#endif
