/* SPDX-License-Identifier: MIT */
/* Suite "poll": the processor time of an idle fetcher, and how soon it requests a route that was flagged. */
#include <err.h>
#include <unistd.h>

#include "conf/number.h"
#include "tools/bench/deployment.h"
#include "tools/bench/directory.h"
#include "tools/bench/fixture.h"
#include "tools/bench/timing.h"

enum {
    HOSTS = 4,
    SMALL = 1000, /* routes */
    MEDIUM = 100 * 1000,
    LARGE = 1000 * 1000,
    QUIET_MS = 300,   /* without a request: all routes have been resubscribed */
    SETTLE_MS = 1500, /* after a second in which nothing was requested it polls less often */
    IDLE_MS = 2000,
    FLAGS = 50, /* of a round, each of another route */
    UPDATE_TIMEOUT_S = 1,
    REQUEST_MS = 5000, /* a request that takes longer is missing */
    JITTER_US = 10000, /* flags are set at any moment between two polls */
};

static const char suite[] = "poll";
static const double idle_percent = 0.1;

struct setup {
    struct fixture fixture;
    struct deployment deployment;
    struct directory directory;
    struct program fetcher;
};

/* A fetcher that has adopted `routes` routes, and has resubscribed all of them. */
static bool set_up(const struct bench *bench, struct setup *setup, uint32_t routes, uint32_t timeout_s)
{
    const struct fixture_shape shape = {.routes = routes, .hosts = HOSTS, .ttl_s = timeout_s};
    *setup = (struct setup){.directory = {.listener = -1, .fd = -1}};
    bench_progress(bench, "%s: a fetcher adopts %u route%s", suite, routes, number_plural(routes));
    if (!directory_open(&setup->directory) || !deployment_open(&setup->deployment) ||
        !fixture_open(&setup->fixture, &shape))
        return false;
    fixture_release(&setup->fixture);
    const struct fetcher_config config = {setup->fixture.instance, setup->directory.port, timeout_s,
                                          "larshm-fetcher"};
    if (!deployment_start_fetcher(&setup->deployment, bench, &config, &setup->fetcher) ||
        !directory_accept(&setup->directory))
        return false;
    uint32_t requested = directory_serve(&setup->directory, HOSTS, QUIET_MS);
    if (requested < routes && !bench_stopped())
        warnx("%s: the fetcher requests %u of %u routes after it has connected", suite, requested, routes);
    return requested >= routes;
}

static void tear_down(struct setup *setup)
{
    program_kill(&setup->fetcher);
    fixture_close(&setup->fixture);
    directory_close(&setup->directory);
    deployment_close(&setup->deployment);
}

/* Meanwhile the directory answers probes. */
static bool idle(struct bench *bench, uint32_t routes)
{
    struct setup setup;
    const struct figure like = {.suite = suite,
                                .name = "idle fetcher",
                                .unit = "% of a core",
                                .parameters = {{"routes", routes}},
                                .target = {.at_most = idle_percent}};
    struct figure *figure = figures_add(&bench->figures, &like);
    bool done = figure && set_up(bench, &setup, routes, NEVER_S);
    if (done)
        directory_serve(&setup.directory, HOSTS, SETTLE_MS);
    for (uint32_t round = 0; done && round < bench->rounds; round++) {
        uint32_t route;
        uint64_t begun = clock_ns(), before = program_cpu(&setup.fetcher);
        bench_progress(bench, "%s: %u idle routes: round %u of %u", suite, routes, round + 1, bench->rounds);
        while (clock_ns() - begun < IDLE_MS * UINT64_C(1000000) && !bench_stopped())
            if (directory_take(&setup.directory, IDLE_MS / 10, &route))
                directory_answer(&setup.directory, route, HOSTS, 0);
        double used = (double)(program_cpu(&setup.fetcher) - before);
        if ((done = !bench_stopped()))
            figure_sample(figure, 100 * used / (double)(clock_ns() - begun));
    }
    if (figure)
        tear_down(&setup);
    return done;
}

/* Answers requests until that of the wanted route. */
static bool take_request(struct directory *directory, uint32_t wanted)
{
    uint32_t route;
    while (directory_take(directory, REQUEST_MS, &route) && directory_answer(directory, route, HOSTS, 0) &&
           directory_flush(directory))
        if (route == wanted)
            return true;
    if (!bench_stopped())
        warnx("%s: no request follows the lookup of an expired route", suite);
    return false;
}

static bool run_round(struct setup *setup, uint32_t *at, double *ms)
{
    uint64_t random = *at;
    for (int i = 0; i < FLAGS; i++) {
        uint32_t route = (*at)++ % SMALL;
        larshm_host host;
        usleep((useconds_t)(next_random(&random) % JITTER_US));
        uint64_t begun = clock_ns();
        int code = larshm_get_host(setup->fixture.reader, fixture_modid(route), fixture_cmdid(route), &host);
        if (code != LARSHM_OK || !fixture_owns(route, HOSTS, &host)) {
            if (!bench_stopped())
                warnx("%s: the lookup of an expired route is wrong", suite);
            return false;
        }
        if (!take_request(&setup->directory, route))
            return false;
        ms[i] = (double)(clock_ns() - begun) / 1e6;
    }
    sort_values(ms, FLAGS);
    return true;
}

static bool flags(struct bench *bench)
{
    struct setup setup;
    struct figure like = {
        .suite = suite, .name = "flag to request p50", .unit = "ms", .parameters = {{"routes", SMALL}}};
    struct figure *p50 = figures_add(&bench->figures, &like);
    like.name = "flag to request p99";
    struct figure *p99 = figures_add(&bench->figures, &like);
    uint32_t at = 0;
    bool done = set_up(bench, &setup, SMALL, UPDATE_TIMEOUT_S) && p50 && p99;
    if (done)
        usleep(UPDATE_TIMEOUT_S * 1000000 + JITTER_US);
    for (uint32_t round = 0; done && round < bench->rounds; round++) {
        double ms[FLAGS];
        bench_progress(bench, "%s: expired routes: round %u of %u", suite, round + 1, bench->rounds);
        if ((done = run_round(&setup, &at, ms))) {
            figure_sample(p50, percentile(ms, FLAGS, 0.5));
            figure_sample(p99, percentile(ms, FLAGS, 0.99));
        }
    }
    tear_down(&setup);
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
