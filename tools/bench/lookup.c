/* SPDX-License-Identifier: MIT */
/* Suite "lookup": one route among few and many, beside everything that one would compare it with. */
#include "shm/clock.h"
#include "tools/bench/peer_lfht.h"
#include "tools/bench/peer_lmdb.h"
#include "tools/bench/peer_memory.h"
#include "tools/bench/peer_udp.h"
#include "tools/bench/race.h"
#include "tools/bench/reader.h"

enum {
    CALLS = 10000,
    ROUND_TRIPS = 200,
    HOSTS = 4,
    MANY_HOSTS = 1000,
    SMALL = 1000, /* routes */
    LARGE = 1000 * 1000,
    LONG_AGO_MS = 1000,
};

static const char suite[] = "lookup";

/* All at one number of routes. */
struct fixture {
    struct world world;
    struct peer_lfht lfht;
    struct peer_lmdb lmdb;
    struct peer_udp udp;
    struct peer_memory memory;
};

static bool open_scene(const struct bench *bench, const struct world_shape *shape, struct fixture *fixture)
{
    *fixture = (struct fixture){.udp.socket = -1};
    bench_progress(bench, "%s: publishing %u routes", suite, shape->routes);
    if (!world_open(&fixture->world, shape) || !peer_memory_open(&fixture->memory, fixture->world.bytes))
        return false;
    bench_progress(bench, "%s: telling %u routes to the peers", suite, shape->routes);
    return peer_lfht_open(&fixture->lfht, &fixture->world, 0) &&
           peer_lmdb_open(&fixture->lmdb, &fixture->world) &&
           (shape->routes != SMALL || peer_udp_open(&fixture->udp, bench));
}

static void close_scene(struct fixture *fixture)
{
    peer_udp_close(&fixture->udp);
    peer_memory_close(&fixture->memory);
    peer_lmdb_close(&fixture->lmdb);
    peer_lfht_close(&fixture->lfht);
    world_close(&fixture->world);
}

static bool at_size(struct bench *bench, const struct world_shape *shape)
{
    struct fixture fixture;
    bool done = open_scene(bench, shape, &fixture);
    bool small = shape->routes == SMALL, large = shape->routes == LARGE, usual = shape->hosts == HOSTS;
    struct walk hosts = {.world = &fixture.world}, views = hosts, batches = hosts;
    const struct parameter parameters[PARAMETERS_MAX + 1] = {{"routes", shape->routes},
                                                             {"hosts", shape->hosts}};
    const struct contender contenders[] = {
        {"get_host", get_host_check, reader_settle, get_host_run, &hosts, CALLS, "cds_lfht",
         .at_most = usual ? 0.7 : 0},
        {"route_begin/end", view_check, reader_settle, view_run, &views, CALLS, .peer = "cds_lfht"},
        {"get_hosts, 100 at once", get_hosts_check, reader_settle, get_hosts_run, &batches, CALLS,
         .peer = "get_host"},
        {"cds_lfht", peer_lfht_check, NULL, peer_lfht_run, &fixture.lfht, CALLS, .peer = NULL},
        {"cds_lfht, inlined", peer_lfht_inlined_check, NULL, peer_lfht_inlined_run, &fixture.lfht, CALLS,
         .peer = "cds_lfht"},
        {PEER_LMDB_NAME, peer_lmdb_check, NULL, peer_lmdb_run, &fixture.lmdb, CALLS, "get_host",
         .at_least = small || large ? 8 : 0},
        {"memory read", peer_memory_check, NULL, peer_memory_run, &fixture.memory, CALLS, "get_host",
         .at_least = large ? 1 / 0.8 : 0},
        {small ? "UDP round trip" : NULL, peer_udp_check, NULL, peer_udp_run, &fixture.udp, ROUND_TRIPS,
         "get_host", .at_least = 400},
    };
    done = done && race(bench, suite, parameters, contenders, sizeof(contenders) / sizeof(*contenders));
    close_scene(&fixture);
    return done;
}

/* Keys that nobody has: asked for once, answered as unknown each time. */
static bool misses(struct bench *bench)
{
    struct world world;
    struct peer_lfht lfht = {0};
    const struct world_shape shape = {.routes = SMALL, .hosts = HOSTS, .ttl_s = NEVER_S};
    bool done = world_open(&world, &shape) && peer_lfht_open(&lfht, &world, SMALL);
    struct walk walk = {.world = &world, .offset = SMALL};
    const struct parameter parameters[PARAMETERS_MAX + 1] = {{"routes", SMALL}, {"hosts", HOSTS}};
    const struct contender contenders[] = {
        {"get_host, miss", get_host_check, reader_settle, get_host_run, &walk, CALLS,
         .peer = "cds_lfht, miss"},
        {"cds_lfht, miss", peer_lfht_check, NULL, peer_lfht_run, &lfht, CALLS, .peer = NULL},
    };
    done = done && race(bench, suite, parameters, contenders, sizeof(contenders) / sizeof(*contenders));
    peer_lfht_close(&lfht);
    world_close(&world);
    return done;
}

/* The sign of life of a fetcher that has not been answered for long. */
static void grow_old(void *walk)
{
    writer_heartbeat(((struct walk *)walk)->world->writer, clock_tick() + LONG_AGO_MS);
}

static bool expired(struct bench *bench)
{
    struct world fresh, old = {0};
    const struct world_shape shape = {.routes = SMALL, .hosts = HOSTS, .ttl_s = NEVER_S};
    const struct world_shape short_lived = {.routes = SMALL, .hosts = HOSTS};
    bool done = world_open(&fresh, &shape) && world_open(&old, &short_lived);
    struct walk fresh_walk = {.world = &fresh}, old_walk = {.world = &old};
    const struct parameter parameters[PARAMETERS_MAX + 1] = {{"routes", SMALL}, {"hosts", HOSTS}};
    const struct contender contenders[] = {
        {"get_host, expired", get_host_check, grow_old, get_host_run, &old_walk, CALLS,
         .peer = "get_host, fresh"},
        {"get_host, fresh", get_host_check, reader_settle, get_host_run, &fresh_walk, CALLS, .peer = NULL},
    };
    done = done && race(bench, suite, parameters, contenders, sizeof(contenders) / sizeof(*contenders));
    world_close(&old);
    world_close(&fresh);
    return done;
}

/* As while a host fails, or an operator drains it: clock, verdicts and the turn of probes are looked at. */
static bool one_out(struct bench *bench)
{
    struct world all, less = {0};
    const struct world_shape shape = {.routes = SMALL, .hosts = HOSTS, .ttl_s = NEVER_S};
    bool done = world_open(&all, &shape) && world_open(&less, &shape);
    for (uint32_t route = 0; done && route < SMALL; route++)
        writer_set_rotation(less.writer, world_key(route), route % HOSTS, true, false);
    struct walk all_walk = {.world = &all}, less_walk = {.world = &less};
    const struct parameter parameters[PARAMETERS_MAX + 1] = {{"routes", SMALL}, {"hosts", HOSTS}};
    const struct contender contenders[] = {
        {"get_host, one host out", get_host_check, reader_settle, get_host_run, &less_walk, CALLS,
         .peer = "get_host, all in"},
        {"get_host, all in", get_host_check, reader_settle, get_host_run, &all_walk, CALLS, .peer = NULL},
    };
    done = done && race(bench, suite, parameters, contenders, sizeof(contenders) / sizeof(*contenders));
    world_close(&less);
    world_close(&all);
    return done;
}

bool suite_lookup(struct bench *bench)
{
    static const uint32_t sizes[] = {1, SMALL, 100 * 1000, LARGE};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        const struct world_shape shape = {.routes = sizes[i], .hosts = HOSTS, .ttl_s = NEVER_S};
        if (sizes[i] <= bench->routes_max && !at_size(bench, &shape))
            return false;
    }
    const struct world_shape wide = {.routes = 1, .hosts = MANY_HOSTS, .ttl_s = NEVER_S};
    return at_size(bench, &wide) &&
           (bench->routes_max < SMALL || (misses(bench) && expired(bench) && one_out(bench)));
}
