/* SPDX-License-Identifier: MIT */
#include "tools/bench/storm.h"

#include <err.h>
#include <signal.h>
#include <unistd.h>

#include "shm/clock.h"
#include "tools/bench/child.h"
#include "tools/bench/swarm.h"
#include "tools/bench/timing.h"

enum {
    RESTARTED = 2000, /* fetchers of each storm */
    STARVED = 4000,
    AWAY = 10000,
    UPDATE_TIMEOUT_S = 15,
    FEW = 1000,        /* fewer fetchers: a quick look, */
    FEW_TIMEOUT_S = 1, /* with routes that expire soon */
    AWAY_MS = 3000,
    GONE_MS = 500, /* until all have noticed */
    LOAD_MS = 120000,
    WHOLE_MS = 240000,
    SETTLE_MS = 10000,
    STARVED_PERCENT = 5, /* of a core */
    THROTTLE_US = 2000,
};

static const char suite[] = "fleet";

/* A directory, and the fetchers that have all their routes from it. */
struct storm {
    struct bench *bench;
    const struct deployment *deployment;
    uint32_t routes, hosts, size;
    in_port_t port;
    struct program dns;
    struct swarm swarm;
};

static uint32_t update_timeout(const struct storm *storm)
{
    return storm->size < FEW ? FEW_TIMEOUT_S : UPDATE_TIMEOUT_S;
}

static struct figure *add_figure(const struct storm *storm, const char *name, const char *unit,
                                 struct target target)
{
    const struct figure like = {.suite = suite,
                                .name = name,
                                .unit = unit,
                                .target = target,
                                .parameters = {{"fetchers", storm->size}, {"routes", SWARM_EACH}}};
    return figures_add(&storm->bench->figures, &like);
}

static bool add_sample(const struct storm *storm, const char *name, const char *unit, struct target target,
                       double value)
{
    struct figure *figure = add_figure(storm, name, unit, target);
    if (figure)
        figure_sample(figure, value);
    return figure;
}

static bool start_dns(struct storm *storm)
{
    return deployment_start_dns(storm->deployment, storm->bench, &storm->port, &storm->dns);
}

static bool await_whole(struct storm *storm, uint64_t ms)
{
    if (swarm_run(&storm->swarm, ms, true))
        return true;
    if (!bench_stopped() && !storm->swarm.wrong)
        warnx("%u of %u fetchers have all their routes after %llu s", storm->swarm.whole, storm->size,
              (unsigned long long)ms / 1000);
    return false;
}

/* Fetchers that are all whole, and whose directory has gone for `ms`. */
static bool begin(struct storm *storm, uint64_t ms)
{
    storm->port = 0;
    if (!start_dns(storm) || !swarm_open(&storm->swarm, storm->bench, storm->size, storm->routes,
                                         storm->hosts, update_timeout(storm)))
        return false;
    bench_progress(storm->bench, "%s: %u fetchers get their routes", suite, storm->size);
    swarm_begin(&storm->swarm, storm->port);
    if (!await_whole(storm, LOAD_MS))
        return false;
    program_kill(&storm->dns);
    return swarm_run(&storm->swarm, ms, false);
}

static void end(struct storm *storm)
{
    swarm_close(&storm->swarm);
    program_kill(&storm->dns);
}

static double peak_over_mean(const uint64_t *tenths, uint64_t count)
{
    uint64_t peak = 0, sum = 0;
    for (uint64_t i = 0; i < count; i++) {
        peak = tenths[i] > peak ? tenths[i] : peak;
        sum += tenths[i];
    }
    return sum ? (double)peak * (double)count / (double)sum : 0;
}

/* Two times update_timeout from then on, so that waves would be seen to come back. */
static bool restart(struct storm *storm)
{
    const struct target target = {.at_most = 4};
    const struct swarm_counts *counts = &storm->swarm.counts;
    uint64_t tenths = update_timeout(storm) * UINT64_C(20);
    if (!begin(storm, 0) || !start_dns(storm))
        return false;
    bench_progress(storm->bench, "%s: %u fetchers after a restart of their directory", suite, storm->size);
    swarm_begin(&storm->swarm, storm->port);
    if (!await_whole(storm, LOAD_MS))
        return false;
    uint64_t whole = (clock_tick() - counts->begun) / 100;
    if (whole + tenths > SWARM_TENTHS || !swarm_run(&storm->swarm, tenths * 100, false))
        return false;
    return add_sample(storm, "restart: peak of refreshes", "times the mean", target,
                      peak_over_mean(counts->refreshes + whole, tenths)) &&
           add_sample(storm, "restart: peak of requests", "times the mean", target,
                      peak_over_mean(counts->all, whole + tenths));
}

/* Lets the directory run until it has had its part of the time since then. */
static void throttle(const struct bench *bench, void *context)
{
    const struct program *dns = context;
    uint64_t begun = clock_ns(), used = program_cpu(dns);
    (void)bench;
    close_range(STDERR_FILENO + 1, ~0U, 0); /* else connections that fetchers close would stay */
    for (;;) {
        bool may = (program_cpu(dns) - used) * 100 < (clock_ns() - begun) * STARVED_PERCENT;
        kill(dns->child, may ? SIGCONT : SIGSTOP);
        usleep(THROTTLE_US);
    }
}

static bool starve(struct storm *storm)
{
    uint64_t answers;
    if (!begin(storm, GONE_MS) || !start_dns(storm))
        return false;
    int child = bench_fork(storm->bench, throttle, &storm->dns);
    if (child < 0)
        return false;
    bench_progress(storm->bench, "%s: %u fetchers at a directory with %d %% of a core", suite, storm->size,
                   STARVED_PERCENT);
    swarm_begin(&storm->swarm, storm->port);
    bool done = await_whole(storm, WHOLE_MS);
    double seconds = (double)(clock_tick() - storm->swarm.counts.begun) / 1000;
    child_end(child);
    kill(storm->dns.child, SIGCONT);
    swarm_settle(&storm->swarm, SETTLE_MS);
    uint64_t dropped = storm->swarm.counts.dropped;
    if (!done || !program_end(&storm->dns, " answer", &answers))
        return false;
    return add_sample(storm, "5 % of a core: until all are whole", "s", (struct target){0}, seconds) &&
           add_sample(storm, "5 % of a core: useful answers", "%", (struct target){.at_least = 90},
                      answers ? 100.0 * (double)storm->swarm.counts.answers / (double)answers : 0) &&
           add_sample(storm, "5 % of a core: connections dropped", "", (struct target){0}, (double)dropped);
}

static bool leave(struct storm *storm)
{
    if (!begin(storm, AWAY_MS) || !start_dns(storm))
        return false;
    bench_progress(storm->bench, "%s: %u fetchers after their directory was away", suite, storm->size);
    swarm_begin(&storm->swarm, storm->port);
    if (!await_whole(storm, WHOLE_MS))
        return false;
    const struct swarm_counts *counts = &storm->swarm.counts;
    return add_sample(storm, "3 s away: until all are whole", "s", (struct target){.at_most = 15},
                      (double)(clock_tick() - counts->begun) / 1000) &&
           add_sample(storm, "3 s away: connections dropped", "", (struct target){.none = true},
                      (double)counts->dropped) &&
           add_sample(storm, "3 s away: requests too many", "%", (struct target){.at_most = 2},
                      100.0 * (double)counts->repeated / ((double)storm->size * SWARM_EACH));
}

bool storms_measure(struct bench *bench, const struct deployment *deployment, uint32_t routes, uint32_t hosts,
                    uint32_t most)
{
    static const struct {
        bool (*measure)(struct storm *storm);
        uint32_t size;
    } storms[] = {{restart, RESTARTED}, {starve, STARVED}, {leave, AWAY}};
    bool done = true;
    for (size_t i = 0; done && i < sizeof(storms) / sizeof(*storms); i++) {
        struct storm storm = {.bench = bench,
                              .deployment = deployment,
                              .routes = routes,
                              .hosts = hosts,
                              .size = storms[i].size < most ? storms[i].size : most,
                              .swarm = {.epoll = -1}};
        done = storms[i].measure(&storm);
        end(&storm);
    }
    return done;
}
