/* SPDX-License-Identifier: MIT */
/* Suite "fleet": what a change costs one larshm-dns when many machines have the route. */
#include <err.h>
#include <sys/resource.h>

#include "tools/bench/crowd.h"
#include "tools/bench/dns.h"
#include "tools/bench/stamp.h"

enum {
    HOSTS = 4,
    ROUTES = 10000, /* in the database */
    EACH = 100,     /* that a connection asks for: one that all have, and others */
    FILES_KEPT = 100,
};

static const char suite[] = "fleet";

struct fleet_figures {
    struct figure *answers, *memory, *pushes, *bytes, *told;
};

struct fixture {
    struct site site;
    struct program dns;
    struct crowd crowd;
    uint32_t hosts; /* of route 0 */
};

/* How many connections the limit on open files allows; this process's is inherited by the directory. */
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

/* All connect and ask at one time, as after a restart of the directory. */
static bool subscribe(struct fixture *fixture, uint32_t size, in_port_t port,
                      const struct fleet_figures *figures)
{
    struct crowd_news news;
    uint64_t answers = (uint64_t)size * EACH, memory = program_memory(&fixture->dns);
    if (!crowd_open(&fixture->crowd, size, port))
        return false;
    uint64_t begun = clock_ns();
    if (!crowd_ask(&fixture->crowd, EACH - 1, ROUTES) ||
        !crowd_hear(&fixture->crowd, answers, fixture->hosts, &news))
        return false;
    figure_sample(figures->answers, (double)answers / ((double)(news.last_ns - begun) / 1e9) / 1e3);
    figure_sample(figures->memory, (double)(program_memory(&fixture->dns) - memory) / size / 1024);
    return true;
}

/* One host more for the route that all have, and the next time one less. */
static bool change(const struct bench *bench, struct fixture *fixture, const struct fleet_figures *figures)
{
    struct crowd_news news;
    uint32_t size = fixture->crowd.size;
    uint64_t begun = clock_ns();
    bool add = fixture->hosts == HOSTS;
    fixture->hosts = add ? HOSTS + 1 : HOSTS;
    if (!dns_edit(bench, &fixture->site, add, 0, HOSTS) ||
        !crowd_hear(&fixture->crowd, size, fixture->hosts, &news))
        return false;
    figure_sample(figures->pushes, size / ((double)(news.last_ns - news.first_ns) / 1e9) / 1e3);
    figure_sample(figures->bytes, (double)news.bytes / size);
    figure_sample(figures->told, (double)(news.last_ns - begun) / 1e6);
    return true;
}

static bool measure(struct bench *bench, struct fixture *fixture, uint32_t size)
{
    const struct fleet_figures figures = {
        .answers = add_figure(bench, size, "answers, all at once", "k/s"),
        .memory = add_figure(bench, size, "memory per connection", "KiB"),
        .pushes = add_figure(bench, size, "pushes of a change", "k/s"),
        .bytes = add_figure(bench, size, "bytes per push", "B"),
        .told = add_figure(bench, size, "edit to last push", "ms"),
    };
    in_port_t port;
    bench_progress(bench, "%s: %u connections ask", suite, size);
    bool done = figures.answers && figures.memory && figures.pushes && figures.bytes && figures.told &&
                dns_start(&fixture->dns, bench, &fixture->site, &port) &&
                subscribe(fixture, size, port, &figures);
    for (uint32_t round = 0; done && round < bench->rounds; round++) {
        bench_progress(bench, "%s: %u connections: round %u of %u", suite, size, round + 1, bench->rounds);
        done = change(bench, fixture, &figures);
    }
    crowd_close(&fixture->crowd);
    program_kill(&fixture->dns);
    return done;
}

bool suite_fleet(struct bench *bench)
{
    static const uint32_t sizes[] = {100, 1000, 10000};
    struct fixture fixture = {.hosts = HOSTS, .crowd.epoll = -1};
    uint32_t most = most_connections(), largest = bench->patient ? 10000 : 1000;
    if (bench->routes_max < ROUTES)
        largest = sizes[0];
    bool done = site_open(&fixture.site) && dns_import(bench, &fixture.site, ROUTES, HOSTS);
    for (size_t i = 0; done && i < sizeof(sizes) / sizeof(*sizes); i++)
        if (sizes[i] <= largest && sizes[i] <= most)
            done = measure(bench, &fixture, sizes[i]);
    site_close(&fixture.site);
    return done;
}
