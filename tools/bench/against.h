/* SPDX-License-Identifier: MIT */
/* The lookups of this build beside those of another one. */
#ifndef TOOLS_BENCH_AGAINST_H
#define TOOLS_BENCH_AGAINST_H

#include "tools/bench/bench.h"
#include "tools/bench/library.h"

/* Adds figures for both. False: said on stderr, or bench_stopped(). */
bool against_run(struct bench *bench, const struct library *other);

#endif
