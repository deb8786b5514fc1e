/* SPDX-License-Identifier: MIT */
#include "tools/bench/visible.h"

#include <err.h>

#include "tools/bench/directory.h"
#include "tools/bench/fetcher.h"
#include "tools/bench/spread.h"
#include "tools/bench/stamp.h"
#include "tools/bench/watcher.h"
#include "tools/bench/world.h"

enum {
    TABLES = 1000, /* of a round */
    TARGET_US = 50,
};

/* Makes table number `number` of route 0 known. */
typedef bool publish_fn(void *context, uint32_t number);

struct way {
    const char *p50, *p99;
    double p99_at_most;
    publish_fn *publish;
    void *context;
    const char *instance;
};

static bool run_round(const struct way *way, const struct watcher *watcher, uint32_t *number, double *us)
{
    for (int i = 0; i < TABLES; i++) {
        uint64_t begun = clock_ns(), seen;
        *number = (*number + 1) % WATCHER_TABLES;
        if (!way->publish(way->context, *number) || !watcher_await(watcher, *number, &seen))
            return false;
        us[i] = (double)(seen - begun) / 1e3;
    }
    spread_sort(us, TABLES);
    return true;
}

static bool run_way(struct bench *bench, const char *suite, const struct way *way)
{
    struct figure like = {.suite = suite, .name = way->p50, .unit = "us"};
    struct figure *p50 = figures_add(&bench->figures, &like);
    like.name = way->p99;
    like.target.at_most = way->p99_at_most;
    struct figure *p99 = figures_add(&bench->figures, &like);
    struct watcher watcher;
    uint32_t number = 0;
    bool done = watcher_open(&watcher, bench, way->instance) && p50 && p99;
    for (uint32_t round = 0; done && round < bench->rounds; round++) {
        double us[TABLES];
        bench_progress(bench, "%s: %s: round %u of %u", suite, way->p99, round + 1, bench->rounds);
        if ((done = run_round(way, &watcher, &number, us))) {
            figure_sample(p50, spread_at(us, TABLES, 0.5));
            figure_sample(p99, spread_at(us, TABLES, 0.99));
        }
    }
    watcher_close(&watcher);
    return done;
}

static bool put(void *writer, uint32_t number)
{
    return world_put(writer, 0, WATCHER_HOSTS, number * WATCHER_HOSTS, NEVER_S);
}

static bool from_publish(struct bench *bench, const char *suite)
{
    struct world world;
    const struct world_shape shape = {.routes = 1, .hosts = WATCHER_HOSTS, .ttl_s = NEVER_S};
    bool done = world_open(&world, &shape);
    const struct way way = {"publish to seen p50", "publish to seen p99", TARGET_US, put,
                            world.writer,          world.instance};
    done = done && run_way(bench, suite, &way);
    world_close(&world);
    return done;
}

static bool push(void *directory, uint32_t number)
{
    return directory_answer(directory, 0, WATCHER_HOSTS, number * WATCHER_HOSTS) &&
           directory_flush(directory);
}

/* With the route in place: the watcher opens an instance that is served already. */
static bool from_message(struct bench *bench, const char *suite)
{
    struct world world;
    struct site site = {0};
    struct directory directory;
    struct program fetcher = {0};
    const struct world_shape shape = {.routes = 1, .hosts = WATCHER_HOSTS, .ttl_s = NEVER_S};
    bool done = directory_open(&directory) && site_open(&site);
    done = world_open(&world, &shape) && done;
    world_release(&world);
    const struct fetcher_plan plan = {world.instance, directory.port, NEVER_S};
    const struct way way = {"frame to seen p50", "frame to seen p99", 0, push, &directory, world.instance};
    done = done && fetcher_start(&fetcher, bench, &site, &plan) && directory_accept(&directory) &&
           run_way(bench, suite, &way);
    program_kill(&fetcher);
    world_close(&world);
    directory_close(&directory);
    site_close(&site);
    return done;
}

bool visible_run(struct bench *bench, const char *suite)
{
    return bench_cpus(bench) < 2 || (from_publish(bench, suite) && from_message(bench, suite));
}
