/* SPDX-License-Identifier: MIT */
/* What all is about: lookups through the shared library, as contenders of race(). */
#ifndef TOOLS_BENCH_READER_H
#define TOOLS_BENCH_READER_H

#include "tools/bench/walk.h"

/* larshm_get_host() along a walk. The context is a struct walk. */
bool get_host_check(void *walk);
bool get_host_run(void *walk, uint32_t calls);

/* larshm_get_hosts() of BATCH_ROUTES routes at a time along a walk. Likewise. */
enum {
    BATCH_ROUTES = 100
};
bool get_hosts_check(void *walk);
bool get_hosts_run(void *walk, uint32_t calls);

/* larshm_route_begin(), one host copied out, larshm_route_end(). Likewise. */
bool view_check(void *walk);
bool view_run(void *walk, uint32_t calls);

/* A sign of life of the fetcher, as they come every few milliseconds. */
void reader_settle(void *walk);

#endif
