/* SPDX-License-Identifier: MIT */
/*
 * Suites "report", larshm_report(), and "open", larshm_open() and larshm_close(): the calls of the library besides
 * lookups.
 */
#include "tools/bench/benchmark.h"
#include "tools/bench/peers.h"

enum {
    REPORTS = 10000, /* of a batch */
    OPENS = 20,
    HOSTS = 4,
    SMALL = 1000, /* routes */
    LARGE = 100 * 1000,
    GROWTHS_MAX = 20, /* of the room for hosts with results, until all of them have some */
    OPEN_TARGET_NS = 200 * 1000,
};

static bool report_one(void *reader, uint32_t route, larshm_host *out)
{
    const struct host_addr host = fixture_host(route, route % HOSTS);
    *out = (larshm_host){fixture_modid(route), fixture_cmdid(route), host.address, host.port};
    return larshm_report(reader, out, 0) == LARSHM_OK;
}

/* All are recorded, once the fetcher has made room for so many hosts. */
static bool report_check(void *context)
{
    const struct workload *workload = context;
    bool done = false;
    for (int growth = 0; growth < GROWTHS_MAX && !done; growth++) {
        done = workload_check(workload, report_one, workload->fixture->reader);
        workload_collect(context);
    }
    return done && workload_check(workload, report_one, workload->fixture->reader);
}

static bool report_run(void *context, uint32_t calls)
{
    struct workload *workload = context;
    return workload_run(workload, calls, report_one, workload->fixture->reader);
}

bool suite_report(struct bench *bench)
{
    const uint32_t routes = bench_routes(bench, SMALL);
    const struct fixture_shape shape = {.routes = routes, .hosts = HOSTS, .ttl_s = NEVER_S};
    struct fixture fixture;
    struct peer_lfht lfht = {0};
    bool done = fixture_open(&fixture, &shape) && peer_lfht_open(&lfht, &fixture, 0);
    struct workload reports = {.fixture = &fixture}, hosts = {.fixture = &fixture};
    const struct parameter parameters[PARAMETERS_MAX + 1] = {{"routes", routes}, {"hosts", HOSTS}};
    const struct benchmark benchmarks[] = {
        {"report", report_check, workload_collect, report_run, &reports, REPORTS, "cds_lfht", .at_most = 1.0},
        {"get_host", get_host_check, NULL, get_host_run, &hosts, REPORTS, .peer = "cds_lfht"},
        {"cds_lfht", peer_lfht_check, NULL, peer_lfht_run, &lfht, REPORTS, .peer = NULL},
    };
    done = done &&
           benchmarks_run(bench, "report", parameters, benchmarks, sizeof(benchmarks) / sizeof(*benchmarks));
    peer_lfht_close(&lfht);
    fixture_close(&fixture);
    return done;
}

static bool open_run(void *context, uint32_t calls)
{
    const struct fixture *fixture = context;
    for (uint32_t i = 0; i < calls; i++) {
        larshm *reader;
        if (larshm_open(&reader, fixture->instance) != LARSHM_OK)
            return false;
        larshm_close(reader);
    }
    return true;
}

/* What it opened answers lookups. */
static bool open_check(void *context)
{
    const struct fixture *fixture = context;
    larshm *reader = NULL;
    larshm_host host;
    bool right = larshm_open(&reader, fixture->instance) == LARSHM_OK &&
                 larshm_get_host(reader, fixture_modid(0), fixture_cmdid(0), &host) == LARSHM_OK &&
                 fixture_owns(0, HOSTS, &host);
    larshm_close(reader);
    return right;
}

static bool open_at_size(struct bench *bench, uint32_t routes)
{
    struct fixture fixture;
    const struct fixture_shape shape = {.routes = routes, .hosts = HOSTS, .ttl_s = NEVER_S};
    const struct parameter parameters[PARAMETERS_MAX + 1] = {{"routes", routes}, {"hosts", HOSTS}};
    const struct benchmark benchmark = {
        "open+close", open_check, NULL, open_run, &fixture, OPENS, .at_most = OPEN_TARGET_NS};
    bool done = fixture_open(&fixture, &shape) && benchmarks_run(bench, "open", parameters, &benchmark, 1);
    fixture_close(&fixture);
    return done;
}

bool suite_open(struct bench *bench)
{
    return open_at_size(bench, bench_routes(bench, SMALL)) &&
           (bench->routes_max < LARGE || open_at_size(bench, LARGE));
}
