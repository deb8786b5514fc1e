/* SPDX-License-Identifier: MIT */
#include "tools/bench/against.h"

#include <unistd.h>

#include "conf/number.h"
#include "tools/bench/benchmark.h"
#include "tools/bench/opened.h"
#include "tools/bench/peers.h"
#include "tools/bench/served.h"

enum {
    CALLS = 10000,
    HOSTS = 4,
    SMALL = 1000, /* routes */
    LARGE = 1000 * 1000,
    WORKS_MAX = 8,
    EXPIRE_S = 1,
    GROWTHS_MAX = 50, /* of the room for hosts with results, each by the next poll of the fetcher */
    POLL_US = 20000,
};

static const char suite[] = "lookup";

/* Ours and the other one, with the same routes. */
struct pair {
    struct served own, other;
};

/* What both do. */
struct work {
    const char *name, *others;
    bool (*check)(void *workload);
    bool (*run)(void *workload, uint32_t calls);
    uint32_t offset; /* of the workload */
};

#define WORK(name, check, run, offset)                                                                       \
    {                                                                                                        \
        name, name ", other", check, run, offset                                                             \
    }

static bool open_pair(struct pair *pair, const struct bench *bench, const struct library *other,
                      const struct fixture_shape *shape)
{
    *pair = (struct pair){.own = {.directory = 0}};
    bench_progress(bench, "%s: loading %u route%s twice", suite, shape->routes, number_plural(shape->routes));
    return served_open(&pair->own, bench, &own_library, shape) &&
           served_open(&pair->other, bench, other, shape);
}

static void close_pair(struct pair *pair)
{
    served_close(&pair->own);
    served_close(&pair->other);
}

static void disconnect(struct pair *pair)
{
    served_disconnect(&pair->own);
    served_disconnect(&pair->other);
}

/* Each work by ours and the other one in turn, and a read of memory, unless there is none. */
static bool compare(struct bench *bench, const struct pair *pair, const struct work *works, size_t count,
                    struct peer_memory *memory)
{
    const struct fixture_shape *shape = &pair->own.fixture.shape;
    const struct parameter parameters[PARAMETERS_MAX + 1] = {{"routes", shape->routes},
                                                             {"hosts", shape->hosts}};
    struct workload workloads[2 * WORKS_MAX];
    struct benchmark benchmarks[2 * WORKS_MAX + 1];
    size_t used = 0;
    for (size_t i = 0; i < count; i++)
        for (int other = 0; other < 2; other++, used++) {
            workloads[used] = (struct workload){.fixture = other ? &pair->other.fixture : &pair->own.fixture,
                                                .offset = works[i].offset};
            benchmarks[used] = (struct benchmark){.name = other ? works[i].others : works[i].name,
                                                  .check = works[i].check,
                                                  .run = works[i].run,
                                                  .context = &workloads[used],
                                                  .batch = CALLS,
                                                  .peer = other ? NULL : works[i].others};
        }
    if (memory)
        benchmarks[used++] = (struct benchmark){.name = "memory read",
                                                .check = peer_memory_check,
                                                .run = peer_memory_run,
                                                .context = memory,
                                                .batch = CALLS,
                                                .peer = "get_host, dependent keys"};
    return benchmarks_run(bench, suite, parameters, benchmarks, used);
}

static bool lookup_and_report(void *context, uint32_t route, larshm_host *out)
{
    const struct fixture *fixture = context;
    return fixture->library->get_host(fixture->reader, fixture_modid(route), fixture_cmdid(route), out) ==
               LARSHM_OK &&
           fixture->library->report(fixture->reader, out, 0) == LARSHM_OK;
}

/* Every host has a record for its results once the fetcher has made room for so many. */
static bool report_check(void *context)
{
    const struct workload *workload = context;
    struct fixture fixture = *workload->fixture;
    for (int growth = 0; growth < GROWTHS_MAX; growth++) {
        if (workload_check(workload, lookup_and_report, &fixture))
            return true;
        usleep(POLL_US);
    }
    return false;
}

static bool report_run(void *context, uint32_t calls)
{
    struct workload *workload = context;
    struct fixture fixture = *workload->fixture;
    return workload_run(workload, calls, lookup_and_report, &fixture);
}

static const struct work known[] = {
    WORK("get_host", get_host_check, get_host_run, 0),
    WORK("get_host, dependent keys", get_host_check, get_host_run_dependent, 0),
    WORK("get_host_batch of 100", get_host_batch_check, get_host_batch_run, 0),
    WORK("route_begin/end", view_check, view_run, 0),
};

/* At one size: unknown keys behind those that are known not to exist, results, and then an ejected host. */
static const struct work unusual[] = {
    WORK("get_host, known not to exist", get_host_check, get_host_run, SMALL),
    WORK("get_host, miss", get_host_check, get_host_run, 2 * SMALL),
    WORK("get_host and report", report_check, report_run, 0),
};
static const struct work ejected = WORK("get_host, one host ejected", get_host_check, get_host_run, 0);
static const struct work expired = WORK("get_host, expired", get_host_check, get_host_run, 0);

static bool compare_opened(struct bench *bench, const struct pair *pair)
{
    const struct fixture_shape *shape = &pair->own.fixture.shape;
    const struct parameter parameters[PARAMETERS_MAX + 1] = {{"routes", shape->routes},
                                                             {"hosts", shape->hosts}};
    struct opened own, other = {.routes = NULL};
    bool done = opened_open(&own, &pair->own.fixture) && opened_open(&other, &pair->other.fixture);
    const struct benchmark benchmarks[] = {
        {.name = "route_pick",
         .check = opened_check,
         .run = opened_run,
         .context = &own,
         .batch = CALLS,
         .peer = "route_pick, other"},
        {.name = "route_pick, other",
         .check = opened_check,
         .run = opened_run,
         .context = &other,
         .batch = CALLS},
    };
    done = done &&
           benchmarks_run(bench, suite, parameters, benchmarks, sizeof(benchmarks) / sizeof(*benchmarks));
    opened_close(&own);
    opened_close(&other);
    return done;
}

static bool compare_unusual(struct bench *bench, struct pair *pair)
{
    return compare(bench, pair, unusual, sizeof(unusual) / sizeof(*unusual), NULL) &&
           served_eject(&pair->own, bench) && served_eject(&pair->other, bench) &&
           compare(bench, pair, &ejected, 1, NULL);
}

static bool at_size(struct bench *bench, const struct library *other, uint32_t routes)
{
    const struct fixture_shape shape = {.routes = routes, .hosts = HOSTS, .ttl_s = NEVER_S};
    struct pair pair;
    struct peer_memory memory = {.lines = NULL};
    bool done = open_pair(&pair, bench, other, &shape) && fixture_measure(&pair.own.fixture) &&
                peer_memory_open(&memory, pair.own.fixture.bytes);
    if (done && routes == SMALL)
        done = served_add_nonexistent(&pair.own, bench, SMALL) &&
               served_add_nonexistent(&pair.other, bench, SMALL);
    disconnect(&pair);
    done = done && compare(bench, &pair, known, sizeof(known) / sizeof(*known), &memory) &&
           compare_opened(bench, &pair) && (routes != SMALL || compare_unusual(bench, &pair));
    peer_memory_close(&memory);
    close_pair(&pair);
    return done;
}

static bool compare_expired(struct bench *bench, const struct library *other)
{
    const struct fixture_shape shape = {.routes = SMALL, .hosts = HOSTS, .ttl_s = EXPIRE_S};
    struct pair pair;
    bool done = open_pair(&pair, bench, other, &shape);
    disconnect(&pair);
    done = done && served_await_expiry(&pair.own) && served_await_expiry(&pair.other) &&
           compare(bench, &pair, &expired, 1, NULL);
    close_pair(&pair);
    return done;
}

bool against_run(struct bench *bench, const struct library *other)
{
    static const uint32_t sizes[] = {1, SMALL, 100 * 1000, LARGE};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
        if (sizes[i] <= bench->routes_max && !at_size(bench, other, sizes[i]))
            return false;
    return bench->routes_max < SMALL || compare_expired(bench, other);
}
