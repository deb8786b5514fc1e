/* SPDX-License-Identifier: MIT */
/* The routes of a fixture, looked up in its sequence, by any function that looks one up. */
#ifndef TOOLS_BENCH_WORKLOAD_H
#define TOOLS_BENCH_WORKLOAD_H

#include "tools/bench/fixture.h"

struct workload {
    const struct fixture *fixture;
    uint32_t at;     /* in the sequence */
    uint32_t offset; /* added to route numbers: at least their count, to miss each time */
    uint64_t sum;    /* of what was found, so that no compiler drops the lookups */
};

/* Picks a host of the route. False: there is no such route. */
typedef bool lookup_fn(void *peer, uint32_t route, larshm_host *out);

/*
 * Inlined into each caller together with its `lookup`. `dependent`: the next key comes from the answer, so that no two
 * lookups overlap. No port that is looked up is above 32767.
 */
__attribute__((always_inline)) static inline bool workload_loop(struct workload *workload, uint32_t calls,
                                                                lookup_fn *lookup, void *peer, bool dependent)
{
    const uint32_t *sequence = workload->fixture->sequence;
    uint32_t at = workload->at, found = 0, sum = 0, zero = 0;
    for (uint32_t i = 0; i < calls; i++) {
        larshm_host host = {0};
        found += lookup(peer, sequence[at++ & SEQUENCE_MASK] + workload->offset + zero, &host);
        zero = dependent ? ntohs(host.port) >> 15 : 0;
        sum += host.addr + host.port;
    }
    workload->at = at & SEQUENCE_MASK;
    workload->sum += sum;
    return found == (workload->offset ? 0 : calls);
}

__attribute__((always_inline)) static inline bool workload_run(struct workload *workload, uint32_t calls,
                                                               lookup_fn *lookup, void *peer)
{
    return workload_loop(workload, calls, lookup, peer, false);
}

enum {
    CHECKS_LEAST = 1 << 16
};

/* Looks up every route, at least CHECKS_LEAST times in all. Each answer is a host of the route; with an offset, a miss. */
static inline bool workload_check(const struct workload *workload, lookup_fn *lookup, void *peer)
{
    const struct fixture_shape *shape = &workload->fixture->shape;
    uint32_t checks = shape->routes > CHECKS_LEAST ? shape->routes : CHECKS_LEAST;
    for (uint32_t i = 0; i < checks; i++) {
        uint32_t route = i % shape->routes + workload->offset;
        larshm_host host = {0};
        bool found = lookup(peer, route, &host);
        if (found == (workload->offset != 0) || (found && !fixture_owns(route, shape->hosts, &host)))
            return false;
    }
    return true;
}

/*
 * The library's lookups, for a struct benchmark; the context is a struct workload. get_host: larshm_get_host(), and likewise with each key depending on the answer before.
 * get_host_batch: larshm_get_host_batch() of BATCH_ROUTES routes at a time. view: larshm_route_begin(), one host copied
 * out, larshm_route_end().
 */
enum {
    BATCH_ROUTES = 100
};
bool get_host_check(void *workload);
bool get_host_run(void *workload, uint32_t calls);
bool get_host_run_dependent(void *workload, uint32_t calls);
bool get_host_batch_check(void *workload);
bool get_host_batch_run(void *workload, uint32_t calls);
bool view_check(void *workload);
bool view_run(void *workload, uint32_t calls);

/* Before a round: a heartbeat of the fetcher, which come every few milliseconds. */
void workload_settle(void *workload);

/* Likewise, and the results of calls are taken. The first of a host makes room for it. */
void workload_collect(void *workload);

#endif
