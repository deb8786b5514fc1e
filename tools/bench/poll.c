/* SPDX-License-Identifier: MIT */
/* Suite "poll": what a fetcher takes that has nothing to do, and how soon it does what it is asked for. */
#include <err.h>
#include <unistd.h>

#include "tools/bench/directory.h"
#include "tools/bench/fetcher.h"
#include "tools/bench/spread.h"
#include "tools/bench/stamp.h"
#include "tools/bench/world.h"

enum {
    HOSTS = 4,
    SMALL = 1000, /* routes */
    MEDIUM = 100 * 1000,
    LARGE = 1000 * 1000,
    QUIET_MS = 300, /* after that all routes have been asked for again */
    IDLE_MS = 500,
    FLAGS = 50, /* of a round; each is another route's, and the routes last until the first has expired */
    UPDATE_TIMEOUT_S = 1,
    REQUEST_MS = 5000, /* a request that is not here by then does not come */
    SPREAD_US = 10000, /* flags go up at any moment between two polls */
};

static const char suite[] = "poll";
static const double idle_percent = 0.5;

struct fixture {
    struct world world;
    struct site site;
    struct directory directory;
    struct program fetcher;
};

/* A fetcher that has taken over `routes` routes, and has asked for all of them again. */
static bool open_scene(const struct bench *bench, struct fixture *fixture, uint32_t routes,
                       uint32_t timeout_s)
{
    const struct world_shape shape = {.routes = routes, .hosts = HOSTS, .ttl_s = timeout_s};
    *fixture = (struct fixture){.directory = {.listener = -1, .fd = -1}};
    bench_progress(bench, "%s: a fetcher takes over %u routes", suite, routes);
    if (!directory_open(&fixture->directory) || !site_open(&fixture->site) ||
        !world_open(&fixture->world, &shape))
        return false;
    world_release(&fixture->world);
    const struct fetcher_plan plan = {fixture->world.instance, fixture->directory.port, timeout_s};
    if (!fetcher_start(&fixture->fetcher, bench, &fixture->site, &plan) ||
        !directory_accept(&fixture->directory))
        return false;
    uint32_t asked = directory_serve(&fixture->directory, HOSTS, QUIET_MS);
    if (asked < routes && !bench_stopped())
        warnx("%s: a fetcher that has just connected asks for %u of %u routes", suite, asked, routes);
    return asked >= routes;
}

static void close_scene(struct fixture *fixture)
{
    program_kill(&fixture->fetcher);
    world_close(&fixture->world);
    directory_close(&fixture->directory);
    site_close(&fixture->site);
}

/* The directory answers meanwhile, should a probe come. */
static bool idle(struct bench *bench, uint32_t routes)
{
    struct fixture fixture;
    const struct figure like = {.suite = suite,
                                .name = "idle fetcher",
                                .unit = "% of a core",
                                .parameters = {{"routes", routes}},
                                .target = {.at_most = idle_percent}};
    struct figure *figure = figures_add(&bench->figures, &like);
    bool done = figure && open_scene(bench, &fixture, routes, NEVER_S);
    for (uint32_t round = 0; done && round < bench->rounds; round++) {
        uint32_t route;
        uint64_t begun = clock_ns(), before = program_cpu(&fixture.fetcher);
        bench_progress(bench, "%s: %u idle routes: round %u of %u", suite, routes, round + 1, bench->rounds);
        while (clock_ns() - begun < IDLE_MS * UINT64_C(1000000) && !bench_stopped())
            if (directory_take(&fixture.directory, IDLE_MS / 10, &route))
                directory_answer(&fixture.directory, route, HOSTS, 0);
        double used = (double)(program_cpu(&fixture.fetcher) - before);
        if ((done = !bench_stopped()))
            figure_sample(figure, 100 * used / (double)(clock_ns() - begun));
    }
    if (figure)
        close_scene(&fixture);
    return done;
}

/* Until a request for that route comes; others are answered on the way. */
static bool take_request(struct directory *directory, uint32_t wanted)
{
    uint32_t route;
    while (directory_take(directory, REQUEST_MS, &route) && directory_answer(directory, route, HOSTS, 0) &&
           directory_flush(directory))
        if (route == wanted)
            return true;
    if (!bench_stopped())
        warnx("%s: the lookup of an expired route leads to no request", suite);
    return false;
}

static bool run_round(struct fixture *fixture, uint32_t *at, double *ms)
{
    uint64_t random = *at;
    for (int i = 0; i < FLAGS; i++) {
        uint32_t route = (*at)++ % SMALL;
        larshm_host host;
        usleep((useconds_t)(next_random(&random) % SPREAD_US));
        uint64_t begun = clock_ns();
        int code = larshm_get_host(fixture->world.reader, world_modid(route), world_cmdid(route), &host);
        if (code != LARSHM_OK || !world_owns(route, HOSTS, &host)) {
            if (!bench_stopped())
                warnx("%s: the lookup of an expired route is wrong", suite);
            return false;
        }
        if (!take_request(&fixture->directory, route))
            return false;
        ms[i] = (double)(clock_ns() - begun) / 1e6;
    }
    spread_sort(ms, FLAGS);
    return true;
}

static bool flags(struct bench *bench)
{
    struct fixture fixture;
    struct figure like = {
        .suite = suite, .name = "flag to request p50", .unit = "ms", .parameters = {{"routes", SMALL}}};
    struct figure *p50 = figures_add(&bench->figures, &like);
    like.name = "flag to request p99";
    struct figure *p99 = figures_add(&bench->figures, &like);
    uint32_t at = 0;
    bool done = open_scene(bench, &fixture, SMALL, UPDATE_TIMEOUT_S) && p50 && p99;
    if (done)
        usleep(UPDATE_TIMEOUT_S * 1000000 + SPREAD_US);
    for (uint32_t round = 0; done && round < bench->rounds; round++) {
        double ms[FLAGS];
        bench_progress(bench, "%s: expired routes: round %u of %u", suite, round + 1, bench->rounds);
        if ((done = run_round(&fixture, &at, ms))) {
            figure_sample(p50, spread_at(ms, FLAGS, 0.5));
            figure_sample(p99, spread_at(ms, FLAGS, 0.99));
        }
    }
    close_scene(&fixture);
    return done;
}

bool suite_poll(struct bench *bench)
{
    static const uint32_t sizes[] = {1, SMALL, MEDIUM, LARGE};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
        if (sizes[i] <= bench->routes_max && (sizes[i] < LARGE || bench->patient) && !idle(bench, sizes[i]))
            return false;
    return bench->routes_max < SMALL || flags(bench);
}
