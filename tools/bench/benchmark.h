/* SPDX-License-Identifier: MIT */
/* Runs benchmarks in turn, A B C, A B C, ..., so that what disturbs one disturbs all. */
#ifndef TOOLS_BENCH_BENCHMARK_H
#define TOOLS_BENCH_BENCHMARK_H

#include "tools/bench/bench.h"

struct benchmark {
    const char *name;              /* NULL: leave it out */
    bool (*check)(void *context);  /* before anything is timed: is every result right? */
    void (*settle)(void *context); /* before each round, untimed; may be NULL */
    bool (*run)(void *context, uint32_t calls);
    void *context;
    uint32_t batch;           /* calls between two readings of the clock */
    const char *peer;         /* the benchmark that it is compared with; NULL: none */
    double at_most, at_least; /* the target, see figure.h */
};

/* One round of it: nanoseconds per call in the median batch. 0: a call failed. */
double benchmark_round(const struct benchmark *benchmark);

/*
 * Adds a figure for each benchmark, in nanoseconds per call. In each round each benchmark warms up, then does batches
 * for a while; the median batch is the round's sample. If a figure has too large a spread, all are measured once more. Neither the loop nor the clock is subtracted.
 * False: a result was wrong or a call failed, and stderr says which; or bench_stopped().
 */
bool benchmarks_run(struct bench *bench, const char *suite,
                    const struct parameter parameters[static PARAMETERS_MAX + 1],
                    const struct benchmark *benchmarks, size_t count);

#endif
