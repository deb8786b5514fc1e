/* SPDX-License-Identifier: MIT */
/* Suite "fleet": what one larshm-dns does for many machines: answers, pushes of a change that all of them get, and what
 * becomes of them when it is restarted. */
#include <err.h>
#include <sys/resource.h>

#include "tools/bench/child.h"
#include "tools/bench/connections.h"
#include "tools/bench/deployment.h"
#include "tools/bench/storm.h"
#include "tools/bench/timing.h"

enum {
    HOSTS = 4,
    ROUTES = 10000, /* in the database */
    EACH = 100,     /* that a connection requests: one that all have, and others */
    FILES_KEPT = 100,
};

static const char suite[] = "fleet";

struct fleet_figures {
    struct figure *answers, *memory, *pushes, *bytes, *last_push;
};

struct setup {
    struct deployment deployment;
    struct program dns;
    struct connections connections;
    uint32_t hosts; /* of route 0 */
};

/* How many connections the limit on open files allows. The directory inherits the limit. */
static uint32_t most_connections(void)
{
    struct rlimit files = {0};
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return 0;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    return files.rlim_cur > FILES_KEPT ? (uint32_t)(files.rlim_cur - FILES_KEPT) : 0;
}

static struct figure *add_figure(struct bench *bench, uint32_t size, const char *name, const char *unit)
{
    const struct figure like = {
        .suite = suite, .name = name, .unit = unit, .parameters = {{"connections", size}, {"routes", EACH}}};
    return figures_add(&bench->figures, &like);
}

/* All connect and request at one time, as after a restart of the directory. */
static bool subscribe(struct setup *setup, uint32_t size, in_port_t port, const struct fleet_figures *figures)
{
    struct arrivals arrivals;
    uint64_t answers = (uint64_t)size * EACH;
    size_t memory = child_memory(setup->dns.child);
    if (!connections_open(&setup->connections, size, port))
        return false;
    uint64_t begun = clock_ns();
    if (!connections_request(&setup->connections, EACH - 1, ROUTES) ||
        !connections_receive(&setup->connections, answers, setup->hosts, &arrivals))
        return false;
    figure_sample(figures->answers, (double)answers / ((double)(arrivals.last_ns - begun) / 1e9) / 1e3);
    figure_sample(figures->memory, (double)(child_memory(setup->dns.child) - memory) / size / 1024);
    return true;
}

/* Adds a host to the route that all have, and the next time deletes it. */
static bool change(const struct bench *bench, struct setup *setup, const struct fleet_figures *figures)
{
    struct arrivals arrivals;
    uint32_t size = setup->connections.size;
    uint64_t begun = clock_ns();
    bool add = setup->hosts == HOSTS;
    setup->hosts = add ? HOSTS + 1 : HOSTS;
    if (!deployment_edit(&setup->deployment, bench, add, 0, HOSTS) ||
        !connections_receive(&setup->connections, size, setup->hosts, &arrivals))
        return false;
    figure_sample(figures->pushes, size / ((double)(arrivals.last_ns - arrivals.first_ns) / 1e9) / 1e3);
    figure_sample(figures->bytes, (double)arrivals.bytes / size);
    figure_sample(figures->last_push, (double)(arrivals.last_ns - begun) / 1e6);
    return true;
}

static bool measure(struct bench *bench, struct setup *setup, uint32_t size)
{
    const struct fleet_figures figures = {
        .answers = add_figure(bench, size, "answers, all at once", "k/s"),
        .memory = add_figure(bench, size, "memory per connection", "KiB"),
        .pushes = add_figure(bench, size, "pushes of a change", "k/s"),
        .bytes = add_figure(bench, size, "bytes per push", "B"),
        .last_push = add_figure(bench, size, "edit to last push", "ms"),
    };
    in_port_t port = 0;
    bench_progress(bench, "%s: %u connections request routes", suite, size);
    bool done = figures.answers && figures.memory && figures.pushes && figures.bytes && figures.last_push &&
                deployment_start_dns(&setup->deployment, bench, &port, &setup->dns) &&
                subscribe(setup, size, port, &figures);
    for (uint32_t round = 0; done && round < bench->rounds; round++) {
        bench_progress(bench, "%s: %u connections: round %u of %u", suite, size, round + 1, bench->rounds);
        done = change(bench, setup, &figures);
    }
    connections_close(&setup->connections);
    program_kill(&setup->dns);
    return done;
}

/* All routes have the same number of hosts again. */
static bool restore(const struct bench *bench, struct setup *setup)
{
    return setup->hosts == HOSTS || deployment_edit(&setup->deployment, bench, false, 0, HOSTS);
}

bool suite_fleet(struct bench *bench)
{
    static const uint32_t sizes[] = {100, 1000, 10000};
    struct setup setup = {.hosts = HOSTS, .connections.epoll = -1};
    uint32_t most = most_connections(), largest = bench->patient ? bench->fetchers_max : 1000;
    if (bench->routes_max < ROUTES)
        largest = sizes[0];
    bool done =
        deployment_open(&setup.deployment) && deployment_import(&setup.deployment, bench, ROUTES, HOSTS);
    for (size_t i = 0; done && i < sizeof(sizes) / sizeof(*sizes); i++)
        if (sizes[i] <= largest && sizes[i] <= most)
            done = measure(bench, &setup, sizes[i]);
    if (done && bench->patient)
        done =
            restore(bench, &setup) && storms_measure(bench, &setup.deployment, ROUTES, HOSTS,
                                                     most < bench->fetchers_max ? most : bench->fetchers_max);
    deployment_close(&setup.deployment);
    return done;
}
