/* SPDX-License-Identifier: MIT */
/* Processes beside the measuring one. They end with it, whatever ends it. */
#ifndef TOOLS_BENCH_CHILD_H
#define TOOLS_BENCH_CHILD_H

#include "tools/bench/bench.h"

/* Runs `work` in a child, which ends when that returns. Returns its pid; -1: said on stderr. */
int child_start(const struct bench *bench, void (*work)(const struct bench *bench, void *context),
                void *context);

/* Kills and buries it. Nothing for what child_start() never started. */
void child_end(int pid);

/* Waits until it has ended by itself. */
void child_join(int pid);

#endif
