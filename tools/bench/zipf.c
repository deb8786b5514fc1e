/* SPDX-License-Identifier: MIT */
/*
 * Suite "zipf": lookups of which most are for a few routes, as programs do them. At few routes, where a lookup costs what it
 * executes, beside the same routes in other instances: where a route lies in the index is drawn by lot for each instance,
 * and may not matter even if it is looked up more often than all others.
 */
#include <err.h>

#include "conf/number.h"
#include "tools/bench/benchmark.h"
#include "tools/bench/peers.h"

enum {
    CALLS = 10000,
    HOSTS = 4,
    SMALL = 1000, /* routes */
    MEDIUM = 100 * 1000,
    LARGE = 1000 * 1000,
    INSTANCES = 10,
};

static const char suite[] = "zipf";
static const double slowest_at_most = 1.15; /* of the fastest instance */

static struct fixture_shape shape_of(uint32_t routes)
{
    return (struct fixture_shape){.routes = routes, .hosts = HOSTS, .ttl_s = NEVER_S, .zipf = true};
}

static bool at_size(struct bench *bench, uint32_t routes)
{
    const struct fixture_shape shape = shape_of(routes);
    struct fixture fixture;
    struct peer_lfht lfht = {0};
    bench_progress(bench, "%s: publishing %u route%s", suite, routes, number_plural(routes));
    bool done = fixture_open(&fixture, &shape) && peer_lfht_open(&lfht, &fixture, 0);
    struct workload hosts = {.fixture = &fixture};
    const struct parameter parameters[PARAMETERS_MAX + 1] = {{"routes", routes}, {"hosts", HOSTS}};
    const struct benchmark benchmarks[] = {
        {"get_host", get_host_check, workload_settle, get_host_run, &hosts, CALLS,
         .peer = "cds_lfht, inlined"},
        {"cds_lfht, inlined", peer_lfht_inlined_check, NULL, peer_lfht_inlined_run, &lfht, CALLS,
         .peer = NULL},
    };
    done = done &&
           benchmarks_run(bench, suite, parameters, benchmarks, sizeof(benchmarks) / sizeof(*benchmarks));
    peer_lfht_close(&lfht);
    fixture_close(&fixture);
    return done;
}

static bool run_rounds(struct bench *bench, struct workload workloads[static INSTANCES],
                       struct figure *figures[static INSTANCES])
{
    for (uint32_t round = 0; round < bench->rounds; round++)
        for (int i = 0; i < INSTANCES; i++) {
            const struct benchmark benchmark = {.name = "get_host",
                                                .check = get_host_check,
                                                .settle = workload_settle,
                                                .run = get_host_run,
                                                .context = &workloads[i],
                                                .batch = CALLS};
            bench_progress(bench, "%s: instance %d: round %u of %u", suite, i + 1, round + 1, bench->rounds);
            double ns = bench_stopped() ? 0 : benchmark_round(&benchmark);
            if (ns <= 0) {
                if (!bench_stopped())
                    warnx("%s: a lookup failed while it was timed", suite);
                return false;
            }
            figure_sample(figures[i], ns);
        }
    return true;
}

/* The slowest is compared with the fastest. */
static void judge(struct figure *figures[static INSTANCES])
{
    struct figure *slowest = figures[0], *fastest = figures[0];
    for (int i = 1; i < INSTANCES; i++) {
        slowest = figures[i]->median > slowest->median ? figures[i] : slowest;
        fastest = figures[i]->median < fastest->median ? figures[i] : fastest;
    }
    if (slowest == fastest)
        return;
    slowest->peer = fastest;
    slowest->target.at_most = slowest_at_most;
}

static bool in_instances(struct bench *bench, uint32_t routes)
{
    const struct fixture_shape shape = shape_of(routes);
    struct fixture fixtures[INSTANCES] = {{.sequence = NULL}};
    struct workload workloads[INSTANCES];
    struct figure *figures[INSTANCES];
    bool done = true;
    for (int i = 0; done && i < INSTANCES; i++) {
        const struct figure like = {
            .suite = suite,
            .name = "get_host",
            .unit = "ns",
            .parameters = {{"instance", (uint64_t)i + 1}, {"routes", routes}, {"hosts", HOSTS}}};
        workloads[i] = (struct workload){.fixture = &fixtures[i]};
        done = fixture_open(&fixtures[i], &shape) && (figures[i] = figures_add(&bench->figures, &like));
        if (done && !get_host_check(&workloads[i])) {
            warnx("%s: a lookup gave a wrong result, so its time means nothing", suite);
            done = false;
        }
    }
    if ((done = done && run_rounds(bench, workloads, figures)))
        judge(figures);
    for (int i = 0; i < INSTANCES; i++)
        fixture_close(&fixtures[i]);
    return done;
}

bool suite_zipf(struct bench *bench)
{
    const uint32_t few = bench_routes(bench, SMALL);
    return in_instances(bench, few) && at_size(bench, few) &&
           (bench->routes_max < MEDIUM || at_size(bench, MEDIUM)) &&
           (bench->routes_max < LARGE || !bench->patient || at_size(bench, LARGE));
}
