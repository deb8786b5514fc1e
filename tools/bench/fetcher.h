/* SPDX-License-Identifier: MIT */
/* A real larshm-fetcher, with limits that let it take a million routes. */
#ifndef TOOLS_BENCH_FETCHER_H
#define TOOLS_BENCH_FETCHER_H

#include <netinet/in.h>

#include "tools/bench/program.h"

struct fetcher_plan {
    const char *instance;
    in_port_t directory; /* on loopback, host order */
    uint32_t update_timeout_s;
};

/* Writes its configuration into the site, starts it, and waits until it serves. False: said on stderr. Kill it. */
bool fetcher_start(struct program *fetcher, const struct bench *bench, const struct site *site,
                   const struct fetcher_plan *plan);

#endif
