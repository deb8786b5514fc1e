/* SPDX-License-Identifier: MIT */
/* From a publish, or from a directory's message, to the lookup of another process that finds it. */
#ifndef TOOLS_BENCH_VISIBLE_H
#define TOOLS_BENCH_VISIBLE_H

#include "tools/bench/bench.h"

/* Adds the figures to `suite`; none where there is one processor only. False: said on stderr, or bench_stopped(). */
bool visible_run(struct bench *bench, const char *suite);

#endif
