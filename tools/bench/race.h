/* SPDX-License-Identifier: MIT */
/* Times several ways of doing a thing in turn: A B C, A B C, ... so that whatever disturbs one disturbs all. */
#ifndef TOOLS_BENCH_RACE_H
#define TOOLS_BENCH_RACE_H

#include "tools/bench/bench.h"

struct contender {
    const char *name;              /* NULL: leave it out */
    bool (*check)(void *context);  /* before anything is timed: is every result right? */
    void (*settle)(void *context); /* before each round, untimed; may be NULL */
    bool (*run)(void *context, uint32_t calls);
    void *context;
    uint32_t batch;           /* calls between two looks at the clock */
    const char *peer;         /* the contender that it is compared with; NULL: none */
    double at_most, at_least; /* the target, see figure.h */
};

/*
 * Adds a figure for each contender, in nanoseconds per call. In each round each of them warms up, then does batches
 * for a while; the median batch is the round's sample. Nothing is subtracted: neither the loop nor the clock.
 * False: a result was wrong or a call failed, and stderr says which; or bench_stopped().
 */
bool race(struct bench *bench, const char *suite,
          const struct parameter parameters[static PARAMETERS_MAX + 1], const struct contender *contenders,
          size_t count);

#endif
