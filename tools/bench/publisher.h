/* SPDX-License-Identifier: MIT */
/* A process that only publishes, as a fetcher does, so many times a second. */
#ifndef TOOLS_BENCH_PUBLISHER_H
#define TOOLS_BENCH_PUBLISHER_H

#include "tools/bench/bench.h"
#include "tools/bench/fixture.h"

struct publisher {
    char instance[INSTANCE_MAX + 1];
    struct fixture_shape shape;
    struct publisher_page *page; /* shared with the child */
    int child;
};

/* Starts it, and waits until all routes are published. False: said on stderr. Close it in any case. */
bool publisher_open(struct publisher *publisher, const struct bench *bench,
                    const struct fixture_shape *shape);
void publisher_close(struct publisher *publisher);

/* From now on it publishes so many times a second, routes at random. */
void publisher_set(struct publisher *publisher, uint32_t per_second);

/* Publishes since it was set. */
uint64_t publisher_done(const struct publisher *publisher);

#endif
