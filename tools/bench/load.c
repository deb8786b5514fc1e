/* SPDX-License-Identifier: MIT */
/*
 * Suite "load": a machine without routes requests all of them through real programs: larshm-fetcher, and larshm-dns on
 * SQLite. Then the fetcher is killed and started again, while another process looks up without pause.
 */
#include <err.h>
#include <unistd.h>

#include "conf/number.h"
#include "tools/bench/deployment.h"
#include "tools/bench/fixture.h"
#include "tools/bench/loading.h"
#include "tools/bench/readers.h"
#include "tools/bench/timing.h"

enum {
    HOSTS = 4,
    SMALL = 1000, /* routes */
    MEDIUM = 100 * 1000,
    LARGE = 1000 * 1000,
    ROUNDS_ENOUGH = 3,
    BEFORE_US = 100 * 1000,
    AFTER_US = 300 * 1000,
    LOAD_TARGET_S = 20,
    RESTART_TARGET_S = 1,
};

static const char suite[] = "load";
static const double slower = 1.3; /* than at 100,000 routes, per route, a million may be */

struct setup {
    struct deployment deployment;
    char instance[INSTANCE_MAX + 1];
    struct program dns, fetcher;
    struct fetcher_config config;
    larshm *reader;
};

struct load_figures {
    struct figure *load, *per_route, *restart, *work, *lookups, *failed;
};

static bool set_up(const struct bench *bench, struct setup *setup)
{
    fixture_name(setup->instance);
    if (!deployment_start_dns(&setup->deployment, bench, &setup->config.directory, &setup->dns))
        return false;
    setup->config.instance = setup->instance;
    setup->config.program = "larshm-fetcher";
    setup->config.update_timeout_s = NEVER_S;
    if (!deployment_start_fetcher(&setup->deployment, bench, &setup->config, &setup->fetcher))
        return false;
    int code = larshm_open(&setup->reader, setup->instance);
    if (code != LARSHM_OK)
        warnx("%s: %s", setup->instance, larshm_strerror(code));
    return code == LARSHM_OK;
}

static void tear_down(struct setup *setup)
{
    larshm_close(setup->reader);
    setup->reader = NULL;
    program_kill(&setup->fetcher);
    program_kill(&setup->dns);
    fixture_remove(setup->instance);
}

/*
 * The directory is killed first: elsewhere it has a machine to itself. Here it would take half a second of a processor to
 * drop the subscriptions of the killed fetcher, while the new fetcher and the lookups need all processors.
 */
static bool restart(const struct bench *bench, struct setup *setup, uint32_t routes,
                    const struct load_figures *figures)
{
    struct reader reader;
    bool done = reader_open_random(&reader, bench, setup->reader, routes, HOSTS);
    if (done) {
        usleep(BEFORE_US);
        program_kill(&setup->dns);
        program_kill(&setup->fetcher);
        uint64_t before = reader_done(&reader), begun = clock_ns();
        done = deployment_start_fetcher(&setup->deployment, bench, &setup->config, &setup->fetcher);
        double seconds = (double)(clock_ns() - begun) / 1e9;
        double work = done ? (double)program_cpu(&setup->fetcher) / 1e9 : 0;
        double lookups = (double)(reader_done(&reader) - before);
        usleep(AFTER_US);
        if (done && !bench_stopped()) {
            figure_sample(figures->restart, seconds);
            figure_sample(figures->work, work);
            figure_sample(figures->lookups, lookups / seconds / 1e6);
            figure_sample(figures->failed, (double)reader_failed(&reader));
        }
    }
    reader_close(&reader);
    return done && !bench_stopped();
}

static bool run_round(const struct bench *bench, struct setup *setup, uint32_t routes,
                      const struct load_figures *figures)
{
    double seconds;
    bool done = set_up(bench, setup);
    const struct loading loading = {
        .library = &own_library, .reader = setup->reader, .routes = routes, .hosts = HOSTS};
    done = done && loading_run(&loading, bench, suite, &seconds);
    if (done) {
        figure_sample(figures->load, seconds);
        figure_sample(figures->per_route, seconds * 1e6 / routes);
        done = restart(bench, setup, routes, figures);
    }
    tear_down(setup);
    return done;
}

static struct figure *add_figure(struct bench *bench, uint32_t routes, const char *name, const char *unit,
                                 struct target target, const struct figure *peer)
{
    const struct figure like = {.suite = suite,
                                .name = name,
                                .unit = unit,
                                .parameters = {{"routes", routes}},
                                .peer = peer,
                                .target = target};
    return figures_add(&bench->figures, &like);
}

static bool at_size(struct bench *bench, struct setup *setup, uint32_t routes, struct load_figures *figures)
{
    const struct figure *medium = figures->per_route; /* of the size before */
    bool large = routes == LARGE;
    *figures = (struct load_figures){
        .load = add_figure(bench, routes, "first lookup to last route", "s",
                           (struct target){.at_most = large ? LOAD_TARGET_S : 0}, NULL),
        .per_route = add_figure(bench, routes, "time per route", "us",
                                (struct target){.at_most = large ? slower : 0}, large ? medium : NULL),
        .restart = add_figure(bench, routes, "start to adoption", "s",
                              (struct target){.at_most = large ? RESTART_TARGET_S : 0}, NULL),
        .work = add_figure(bench, routes, "processor time of that", "s", (struct target){.at_most = 0}, NULL),
        .lookups = add_figure(bench, routes, "lookups meanwhile", "M/s", (struct target){.at_most = 0}, NULL),
        .failed =
            add_figure(bench, routes, "failed meanwhile", "lookups", (struct target){.none = true}, NULL),
    };
    if (!figures->load || !figures->per_route || !figures->restart || !figures->work || !figures->lookups ||
        !figures->failed)
        return false;
    uint32_t rounds = bench->rounds < ROUNDS_ENOUGH ? bench->rounds : ROUNDS_ENOUGH;
    bool done = true;
    for (uint32_t round = 0; round < rounds && done; round++)
        done = run_round(bench, setup, routes, figures);
    return done;
}

/* The sizes that --routes allows; the smallest, or as many as it says, in any case. */
bool suite_load(struct bench *bench)
{
    const uint32_t sizes[] = {1, bench_routes(bench, SMALL), MEDIUM, LARGE};
    struct setup setup = {.reader = NULL};
    struct load_figures figures = {.load = NULL};
    uint32_t most = bench->routes_max >= LARGE ? LARGE : bench->routes_max >= MEDIUM ? MEDIUM : sizes[1];
    bench_progress(bench, "%s: %u route%s into a database", suite, most, number_plural(most));
    bool done =
        deployment_open(&setup.deployment) && deployment_import(&setup.deployment, bench, most, HOSTS);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
        if (done && sizes[i] <= most)
            done = at_size(bench, &setup, sizes[i], &figures);
    deployment_close(&setup.deployment);
    return done;
}
