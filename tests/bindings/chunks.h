/* SPDX-License-Identifier: MIT */
/* What a call costs: the median of many short runs of it, so that what else the machine does meanwhile hardly counts. */
#ifndef TESTS_BINDINGS_CHUNKS_H
#define TESTS_BINDINGS_CHUNKS_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline double chunk_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static inline int chunk_compare(const void *a, const void *b)
{
    const double *first = a, *second = b;
    return (*first > *second) - (*first < *second);
}

/*
 * Calls run(context) `chunks` times, each of which does `calls` of what is measured, and prints "NAME<TAB>NS" of one. False: a
 * run has failed, or there is no memory.
 */
static inline _Bool chunk_measure(const char *name, _Bool (*run)(void *context), void *context, size_t calls,
                                  size_t chunks)
{
    double *ns = calloc(chunks, sizeof(*ns));
    _Bool done = ns && chunks > 0;
    for (size_t i = 0; done && i < chunks; i++) {
        double start = chunk_clock_ns();
        done = run(context);
        ns[i] = (chunk_clock_ns() - start) / (double)calls;
    }
    if (done) {
        qsort(ns, chunks, sizeof(*ns), chunk_compare);
        printf("%s\t%.1f\n", name, ns[chunks / 2]);
    }
    free(ns);
    return done;
}

#endif
