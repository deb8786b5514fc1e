/* SPDX-License-Identifier: MIT */
/* larshm_route_pick() of the routes of a fixture, each of which has been opened before. */
#ifndef TOOLS_BENCH_OPENED_H
#define TOOLS_BENCH_OPENED_H

#include "tools/bench/workload.h"

struct opened {
    struct workload workload;
    larshm_route *routes;
};

/* False: stderr says why. Close it in any case. */
bool opened_open(struct opened *opened, const struct fixture *fixture);
void opened_close(struct opened *opened);

/* For a struct benchmark, as get_host_check() and get_host_run(). */
bool opened_check(void *opened);
bool opened_run(void *opened, uint32_t calls);

#endif
