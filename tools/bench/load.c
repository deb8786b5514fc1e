/* SPDX-License-Identifier: MIT */
/*
 * Suite "load": a machine that knows nothing asks for everything, through real programs: lookups, fetcher, larshm-dns
 * on SQLite. And its fetcher is killed and started again, while another process looks up without pause.
 */
#include <err.h>
#include <unistd.h>

#include "tools/bench/dns.h"
#include "tools/bench/fetcher.h"
#include "tools/bench/looker.h"
#include "tools/bench/stamp.h"
#include "tools/bench/world.h"

enum {
    HOSTS = 4,
    SMALL = 1000, /* routes */
    MEDIUM = 100 * 1000,
    LARGE = 1000 * 1000,
    ROUNDS_ENOUGH = 3,
    WINDOW = 8192, /* routes that are asked for and not here yet */
    PAUSE_US = 1000,
    STALLED_S = 20, /* without another route */
    BEFORE_US = 100 * 1000,
    AFTER_US = 300 * 1000,
    LOAD_TARGET_S = 20,
    RESTART_TARGET_S = 1,
};

static const char suite[] = "load";
static const double slower = 1.3; /* than at 100,000 routes, per route, a million may be */

struct fixture {
    struct site site;
    char instance[INSTANCE_MAX + 1];
    struct program dns, fetcher;
    struct fetcher_plan plan;
    larshm *reader;
};

struct load_figures {
    struct figure *load, *per_route, *restart, *work, *lookups, *failed;
};

static bool open_scene(const struct bench *bench, struct fixture *fixture)
{
    world_name(fixture->instance);
    if (!dns_start(&fixture->dns, bench, &fixture->site, &fixture->plan.directory))
        return false;
    fixture->plan.instance = fixture->instance;
    fixture->plan.update_timeout_s = NEVER_S;
    if (!fetcher_start(&fixture->fetcher, bench, &fixture->site, &fixture->plan))
        return false;
    int code = larshm_open(&fixture->reader, fixture->instance);
    if (code != LARSHM_OK)
        warnx("%s: %s", fixture->instance, larshm_strerror(code));
    return code == LARSHM_OK;
}

static void close_scene(struct fixture *fixture)
{
    larshm_close(fixture->reader);
    fixture->reader = NULL;
    program_kill(&fixture->fetcher);
    program_kill(&fixture->dns);
    if (*fixture->instance)
        world_remove(fixture->instance);
}

/* One pass over the routes that are waited for; *count is how many are left. False: an answer is wrong. */
static bool look_at(larshm *reader, uint32_t *waiting, uint32_t *count)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < *count; i++) {
        uint32_t route = waiting[i];
        larshm_host host;
        int code = larshm_get_host(reader, world_modid(route), world_cmdid(route), &host);
        if (code == LARSHM_PENDING || code == LARSHM_FULL) {
            waiting[left++] = route;
        } else if (code != LARSHM_OK || !world_owns(route, HOSTS, &host)) {
            warnx("%s: a route that came is wrong: %s", suite, larshm_strerror(code));
            return false;
        }
    }
    *count = left;
    return true;
}

/* Looks up all routes, again and again those that are not here, until they are. Waits a moment if none has come. */
static bool ask_for_all(const struct bench *bench, larshm *reader, uint32_t routes, double *seconds)
{
    uint32_t waiting[WINDOW], count = 0, next = 0;
    uint64_t begun = clock_ns(), moved = begun;
    while (next < routes || count > 0) {
        while (count < WINDOW && next < routes)
            waiting[count++] = next++;
        uint32_t before = count;
        if (bench_stopped() || !look_at(reader, waiting, &count))
            return false;
        uint64_t now = clock_ns();
        if (count < before) {
            moved = now;
            continue;
        }
        if (now - moved > STALLED_S * UINT64_C(1000000000)) {
            warnx("%s: %u of %u routes came, and then no more", suite, next - count, routes);
            return false;
        }
        bench_progress(bench, "%s: %u of %u routes", suite, next - count, routes);
        usleep(PAUSE_US);
    }
    *seconds = (double)(clock_ns() - begun) / 1e9;
    return true;
}

/*
 * The directory goes first: usually it is on another machine. Here it would take half a second of a processor to forget
 * the subscriptions of the fetcher that died, just when the next one and the lookups need them all.
 */
static bool restart(const struct bench *bench, struct fixture *fixture, uint32_t routes,
                    const struct load_figures *figures)
{
    struct looker looker;
    bool done = looker_open(&looker, bench, fixture->reader, routes, HOSTS);
    if (done) {
        usleep(BEFORE_US);
        program_kill(&fixture->dns);
        program_kill(&fixture->fetcher);
        uint64_t before = looker_done(&looker), begun = clock_ns();
        done = fetcher_start(&fixture->fetcher, bench, &fixture->site, &fixture->plan);
        double seconds = (double)(clock_ns() - begun) / 1e9;
        double work = done ? (double)program_cpu(&fixture->fetcher) / 1e9 : 0;
        double lookups = (double)(looker_done(&looker) - before);
        usleep(AFTER_US);
        if (done && !bench_stopped()) {
            figure_sample(figures->restart, seconds);
            figure_sample(figures->work, work);
            figure_sample(figures->lookups, lookups / seconds / 1e6);
            figure_sample(figures->failed, (double)looker_failed(&looker));
        }
    }
    looker_close(&looker);
    return done && !bench_stopped();
}

static bool run_round(const struct bench *bench, struct fixture *fixture, uint32_t routes,
                      const struct load_figures *figures)
{
    double seconds;
    bool done = open_scene(bench, fixture) && ask_for_all(bench, fixture->reader, routes, &seconds);
    if (done) {
        figure_sample(figures->load, seconds);
        figure_sample(figures->per_route, seconds * 1e6 / routes);
        done = restart(bench, fixture, routes, figures);
    }
    close_scene(fixture);
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

static bool at_size(struct bench *bench, struct fixture *fixture, uint32_t routes,
                    struct load_figures *figures)
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
        done = run_round(bench, fixture, routes, figures);
    return done;
}

/* Sizes that --routes does not leave out; the smallest, or as many as it says, in any case. */
bool suite_load(struct bench *bench)
{
    const uint32_t sizes[] = {1, bench_routes(bench, SMALL), MEDIUM, LARGE};
    struct fixture fixture = {.reader = NULL};
    struct load_figures figures = {.load = NULL};
    uint32_t most = bench->routes_max >= LARGE ? LARGE : bench->routes_max >= MEDIUM ? MEDIUM : sizes[1];
    bench_progress(bench, "%s: %u routes into a database", suite, most);
    bool done = site_open(&fixture.site) && dns_import(bench, &fixture.site, most, HOSTS);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
        if (done && sizes[i] <= most)
            done = at_size(bench, &fixture, sizes[i], &figures);
    site_close(&fixture.site);
    return done;
}
