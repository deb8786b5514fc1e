/* SPDX-License-Identifier: MIT */
/*
 * Many simulated fetchers in this process, each with a connection of its own to one directory, and routes that programs
 * look up all the time. When they connect, what they request, how much at a time, when they refresh and when they give
 * up is decided by the fetcher's own code: backoff.c, expired.c, patience.c, resubscribe.h, shares.c, token_bucket.c,
 * window.c, and shm/expiry.h. What they lack is shared memory.
 */
#ifndef TOOLS_BENCH_SWARM_H
#define TOOLS_BENCH_SWARM_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "conf/config.h"
#include "fetcher/deadlines.h"
#include "tools/bench/bench.h"

enum {
    SWARM_EACH = 100,     /* routes of a fetcher */
    SWARM_TENTHS = 10000, /* tenths of a second of which requests are counted */
};

/* Since swarm_begin(). */
struct swarm_counts {
    uint64_t begun; /* tick */
    uint64_t requests, answers;
    uint64_t repeated; /* requests of routes that were requested and had not expired since */
    uint64_t dropped;  /* connections that ended */
    uint64_t refreshes[SWARM_TENTHS], all[SWARM_TENTHS]; /* requests in each tenth of a second */
};

struct swarm {
    const struct bench *bench;
    uint32_t size, routes; /* fetchers; routes of the directory */
    uint32_t hosts;        /* of each route */
    in_port_t port;
    struct config config; /* its defaults, and the update_timeout of the caller */
    struct sim *all;      /* [size] */
    uint32_t whole;       /* fetchers that have got all their routes since swarm_begin() */
    bool wrong;           /* an answer was, and that was said */
    bool quiet;           /* nothing is requested any more */
    struct deadlines deadlines;
    struct answer *answer; /* decoded last */
    int epoll;
    struct swarm_counts counts;
};

/* Fetchers without routes, which look for a directory at once. False: said on stderr. Close it in any case. */
bool swarm_open(struct swarm *swarm, const struct bench *bench, uint32_t size, uint32_t routes,
                uint32_t hosts, uint32_t update_timeout_s);
void swarm_close(struct swarm *swarm);

/* From now on counts, and whatever was answered before counts no more for a fetcher to be whole. */
void swarm_begin(struct swarm *swarm, in_port_t port);

/* Lets them run for so long, or until all are whole, if `whole`. False: they were not in time, or bench_stopped(); or an
 * answer was wrong, which is said on stderr. */
bool swarm_run(struct swarm *swarm, uint64_t ms, bool whole);

/* Lets what is under way be answered, and nothing be requested, for so long at most. */
void swarm_settle(struct swarm *swarm, uint64_t ms);

#endif
