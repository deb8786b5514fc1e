/* SPDX-License-Identifier: MIT */
/* Routes that a fetcher requests because they are looked up. */
#ifndef TOOLS_BENCH_LOADING_H
#define TOOLS_BENCH_LOADING_H

#include "tools/bench/bench.h"
#include "tools/bench/library.h"

struct loading {
    const struct library *library;
    larshm *reader;
    uint32_t first, routes; /* numbers of a fixture's routes */
    uint32_t hosts;         /* of each; 0: the directory says that there are no such routes */
};

/* Looks them up until all are cached. *seconds is how long that took. False: said on stderr, or bench_stopped(). */
bool loading_run(const struct loading *loading, const struct bench *bench, const char *suite,
                 double *seconds);

#endif
