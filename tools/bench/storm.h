/* SPDX-License-Identifier: MIT */
/* What a fleet does to its directory after a restart: the storms of suite "fleet". */
#ifndef TOOLS_BENCH_STORM_H
#define TOOLS_BENCH_STORM_H

#include "tools/bench/deployment.h"

/* Of a directory with so many routes of `hosts` hosts; `most` fetchers at most. False: said on stderr, or
 * bench_stopped(). */
bool storms_measure(struct bench *bench, const struct deployment *deployment, uint32_t routes, uint32_t hosts,
                    uint32_t most);

#endif
