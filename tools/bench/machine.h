/* SPDX-License-Identifier: MIT */
/* Where and with what it was measured: without it no figure means anything. */
#ifndef TOOLS_BENCH_MACHINE_H
#define TOOLS_BENCH_MACHINE_H

#include "tools/bench/bench.h"

struct machine {
    char cpu[96], kernel[256];
    uint32_t cores; /* that this process was given */
    double load;    /* average of the last minute, when it began: others who want the processors */
    const char *compiler, *flags, *commit, *lmdb;
};

void machine_look(const struct bench *bench, struct machine *out);

#endif
