/* SPDX-License-Identifier: MIT */
/* A process that looks routes up without pause, and counts what goes wrong. */
#ifndef TOOLS_BENCH_LOOKER_H
#define TOOLS_BENCH_LOOKER_H

#include <larshm/larshm.h>

#include "tools/bench/bench.h"

struct looker_page;

struct looker {
    larshm *reader;
    uint32_t routes, hosts;
    struct looker_page *page; /* shared with the child */
    int child;
};

/* Looks up routes of a world at random, through the handle. False: said on stderr. Close it in any case. */
bool looker_open(struct looker *looker, const struct bench *bench, larshm *reader, uint32_t routes,
                 uint32_t hosts);
void looker_close(struct looker *looker);

/* Lookups so far, and how many of them gave no host of the route. */
uint64_t looker_done(const struct looker *looker);
uint64_t looker_failed(const struct looker *looker);

#endif
