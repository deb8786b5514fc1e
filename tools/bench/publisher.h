/* SPDX-License-Identifier: MIT */
/* A fetcher in a process of its own that does nothing but publish, at the pace that it is told. */
#ifndef TOOLS_BENCH_PUBLISHER_H
#define TOOLS_BENCH_PUBLISHER_H

#include "tools/bench/bench.h"
#include "tools/bench/world.h"

struct publisher_pace;

struct publisher {
    char instance[INSTANCE_MAX + 1];
    struct world_shape shape;
    struct publisher_pace *pace; /* shared with the child */
    int child;
};

/* Starts it, and waits until all routes are published. False: said on stderr. Close it in any case. */
bool publisher_open(struct publisher *publisher, const struct bench *bench, const struct world_shape *shape);
void publisher_close(struct publisher *publisher);

/* From now on so many publishes a second, of routes at random. */
void publisher_set(struct publisher *publisher, uint32_t per_second);

/* Publishes since it was set. */
uint64_t publisher_done(const struct publisher *publisher);

#endif
