/* SPDX-License-Identifier: MIT */
/* Several threads or processes that look up at the same time. */
#ifndef TOOLS_BENCH_CREW_H
#define TOOLS_BENCH_CREW_H

#include "tools/bench/bench.h"
#include "tools/bench/world.h"

enum {
    CREW_MAX = 256,
};

/*
 * Starts `count` threads (or processes) that all use the world's reader, each elsewhere in the order; lets them go at
 * one moment; and stops them a while later. *rate is what they did together, in lookups a second.
 * False: stderr says why, or bench_stopped().
 */
bool crew_run(const struct bench *bench, const struct world *world, bool processes, uint32_t count,
              double *rate);

#endif
