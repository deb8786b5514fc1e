/* SPDX-License-Identifier: MIT */
/* Suite "open": what a program pays once. */
#include "tools/bench/race.h"
#include "tools/bench/world.h"

enum {
    CALLS = 20,
    HOSTS = 4,
    SMALL = 1000, /* routes */
    LARGE = 100 * 1000,
    TARGET_NS = 200 * 1000,
};

static bool open_run(void *context, uint32_t calls)
{
    const struct world *world = context;
    for (uint32_t i = 0; i < calls; i++) {
        larshm *reader;
        if (larshm_open(&reader, world->instance) != LARSHM_OK)
            return false;
        larshm_close(reader);
    }
    return true;
}

/* What it opens can be looked into. */
static bool open_check(void *context)
{
    const struct world *world = context;
    larshm *reader = NULL;
    larshm_host host;
    bool right = larshm_open(&reader, world->instance) == LARSHM_OK &&
                 larshm_get_host(reader, world_modid(0), world_cmdid(0), &host) == LARSHM_OK &&
                 world_owns(0, HOSTS, &host);
    larshm_close(reader);
    return right;
}

static bool at_size(struct bench *bench, uint32_t routes)
{
    struct world world;
    const struct world_shape shape = {.routes = routes, .hosts = HOSTS, .ttl_s = NEVER_S};
    const struct parameter parameters[PARAMETERS_MAX + 1] = {{"routes", routes}, {"hosts", HOSTS}};
    const struct contender contender = {"open+close", open_check,          NULL, open_run, &world,
                                        CALLS,        .at_most = TARGET_NS};
    bool done = world_open(&world, &shape) && race(bench, "open", parameters, &contender, 1);
    world_close(&world);
    return done;
}

bool suite_open(struct bench *bench)
{
    return at_size(bench, bench_routes(bench, SMALL)) && (bench->routes_max < LARGE || at_size(bench, LARGE));
}
