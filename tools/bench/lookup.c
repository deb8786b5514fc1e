/* SPDX-License-Identifier: MIT */
/* Suite "lookup": one route among few and many, beside its peers. */
#include "conf/number.h"
#include "shm/clock.h"
#include "tools/bench/against.h"
#include "tools/bench/benchmark.h"
#include "tools/bench/opened.h"
#include "tools/bench/peers.h"
#include "tools/bench/udp.h"

enum {
    CALLS = 10000,
    ROUND_TRIPS = 200,
    HOSTS = 4,
    MANY_HOSTS = 1000,
    SMALL = 1000, /* routes */
    MEDIUM = 100 * 1000,
    LARGE = 1000 * 1000,
    VAST = 10 * 1000 * 1000,
    LONG_AGO_MS = 1000,
};

static const char suite[] = "lookup";

/* All at one number of routes. */
struct setup {
    struct fixture fixture;
    struct opened opened;
    struct peer_lfht lfht;
    struct peer_lmdb lmdb;
    struct peer_ck_hs ck_hs;
    struct peer_rte_hash rte_hash;
    struct peer_udp udp;
    struct peer_memory memory;
};

static bool set_up(const struct bench *bench, const struct fixture_shape *shape, struct setup *setup)
{
    *setup = (struct setup){.udp.socket = -1};
    bench_progress(bench, "%s: publishing %u route%s", suite, shape->routes, number_plural(shape->routes));
    if (!fixture_open(&setup->fixture, shape) || !peer_memory_open(&setup->memory, setup->fixture.bytes))
        return false;
    bench_progress(bench, "%s: filling the peers with %u route%s", suite, shape->routes,
                   number_plural(shape->routes));
    return opened_open(&setup->opened, &setup->fixture) && peer_lfht_open(&setup->lfht, &setup->fixture, 0) &&
           peer_lmdb_open(&setup->lmdb, &setup->fixture) && peer_ck_hs_open(&setup->ck_hs, &setup->fixture) &&
           peer_rte_hash_open(&setup->rte_hash, &setup->fixture) &&
           (shape->routes != SMALL || peer_udp_open(&setup->udp, bench));
}

static void tear_down(struct setup *setup)
{
    peer_udp_close(&setup->udp);
    peer_memory_close(&setup->memory);
    peer_rte_hash_close(&setup->rte_hash);
    peer_ck_hs_close(&setup->ck_hs);
    peer_lmdb_close(&setup->lmdb);
    peer_lfht_close(&setup->lfht);
    opened_close(&setup->opened);
    fixture_close(&setup->fixture);
}

/* The bound at 1,000 routes, and a hundred, a thousand and ten thousand times as many; elsewhere there is none. */
static double bound(const struct fixture_shape *shape, double small, double medium, double large, double huge)
{
    switch (shape->routes) {
    case SMALL:
        return small;
    case MEDIUM:
        return medium;
    case LARGE:
        return large;
    case VAST:
        return huge;
    default:
        return 0;
    }
}

static bool at_size(struct bench *bench, const struct fixture_shape *shape)
{
    struct setup setup;
    bool done = set_up(bench, shape, &setup);
    bool small = shape->routes == SMALL, large = shape->routes == LARGE, usual = shape->hosts == HOSTS;
    struct workload hosts = {.fixture = &setup.fixture}, dependent = hosts, views = hosts, batches = hosts;
    const struct parameter parameters[PARAMETERS_MAX + 1] = {{"routes", shape->routes},
                                                             {"hosts", shape->hosts}};
    const struct benchmark benchmarks[] = {
        {"get_host", get_host_check, workload_settle, get_host_run, &hosts, CALLS, "cds_lfht",
         .at_most = usual ? 0.7 : 0},
        {"get_host, dependent keys", get_host_check, workload_settle, get_host_run_dependent, &dependent,
         CALLS, .peer = "memory read", .at_most = large ? 1.35 : 0},
        {"route_pick", opened_check, workload_settle, opened_run, &setup.opened, CALLS, "get_host",
         .at_most = usual && shape->routes <= SMALL ? 0.6 : 0},
        {"route_begin/end", view_check, workload_settle, view_run, &views, CALLS, .peer = "cds_lfht"},
        {"get_host_batch of 100", get_host_batch_check, workload_settle, get_host_batch_run, &batches, CALLS,
         .peer = "get_host"},
        {"cds_lfht", peer_lfht_check, NULL, peer_lfht_run, &setup.lfht, CALLS, .peer = NULL},
        {"cds_lfht, inlined", peer_lfht_inlined_check, NULL, peer_lfht_inlined_run, &setup.lfht, CALLS,
         "get_host", .at_least = bound(shape, 1 / 0.7, 1 / 0.5, 1 / 0.45, 1 / 0.4)},
        {PEER_CK_HS_NAME, peer_ck_hs_check, NULL, peer_ck_hs_run, &setup.ck_hs, CALLS, .peer = "get_host"},
        {PEER_RTE_HASH_NAME, peer_rte_hash_check, NULL, peer_rte_hash_run, &setup.rte_hash, CALLS, "get_host",
         .at_least = bound(shape, 1 / 0.6, 1 / 0.85, 1 / 0.6, 0)},
        {PEER_RTE_HASH_BULK_NAME, peer_rte_hash_bulk_check, NULL, peer_rte_hash_bulk_run, &setup.rte_hash,
         CALLS, "get_host_batch of 100", .at_least = bound(shape, 0, 0, 2, 0)},
        {PEER_LMDB_NAME, peer_lmdb_check, NULL, peer_lmdb_run, &setup.lmdb, CALLS, "get_host",
         .at_least = small || large ? 8 : 0},
        {"memory read", peer_memory_check, NULL, peer_memory_run, &setup.memory, CALLS, "get_host",
         .at_least = large ? 1 / 0.8 : 0},
        {small ? "UDP round trip" : NULL, peer_udp_check, NULL, peer_udp_run, &setup.udp, ROUND_TRIPS,
         "get_host", .at_least = 400},
    };
    done = done &&
           benchmarks_run(bench, suite, parameters, benchmarks, sizeof(benchmarks) / sizeof(*benchmarks));
    tear_down(&setup);
    return done;
}

static const struct parameter usual_size[PARAMETERS_MAX + 1] = {{"routes", SMALL}, {"hosts", HOSTS}};

/* Keys that do not exist: requested once, unknown each time. */
static bool misses(struct bench *bench)
{
    struct fixture fixture;
    struct peer_lfht lfht = {0};
    const struct fixture_shape shape = {.routes = SMALL, .hosts = HOSTS, .ttl_s = NEVER_S};
    bool done = fixture_open(&fixture, &shape) && peer_lfht_open(&lfht, &fixture, SMALL);
    struct workload workload = {.fixture = &fixture, .offset = SMALL};
    const struct benchmark benchmarks[] = {
        {"get_host, miss", get_host_check, workload_settle, get_host_run, &workload, CALLS,
         .peer = "cds_lfht, miss"},
        {"cds_lfht, miss", peer_lfht_check, NULL, peer_lfht_run, &lfht, CALLS, .peer = NULL},
    };
    done = done &&
           benchmarks_run(bench, suite, usual_size, benchmarks, sizeof(benchmarks) / sizeof(*benchmarks));
    peer_lfht_close(&lfht);
    fixture_close(&fixture);
    return done;
}

/* get_host on a fixture with something unusual, beside one without. */
static bool unusual(struct bench *bench, const struct fixture *fixture, void (*settle)(void *workload),
                    const char *name, const char *peer)
{
    struct fixture usual;
    const struct fixture_shape shape = {.routes = SMALL, .hosts = HOSTS, .ttl_s = NEVER_S};
    struct workload lookups = {.fixture = fixture}, usual_lookups = {.fixture = &usual};
    const struct benchmark benchmarks[] = {
        {name, get_host_check, settle, get_host_run, &lookups, CALLS, .peer = peer},
        {peer, get_host_check, workload_settle, get_host_run, &usual_lookups, CALLS, .peer = NULL},
    };
    bool done = fixture_open(&usual, &shape) && benchmarks_run(bench, suite, usual_size, benchmarks,
                                                               sizeof(benchmarks) / sizeof(*benchmarks));
    fixture_close(&usual);
    return done;
}

/* The heartbeat of a fetcher that has had no answer for long. */
static void settle_expired(void *workload)
{
    writer_heartbeat(((struct workload *)workload)->fixture->writer, clock_tick() + LONG_AGO_MS);
}

static bool expired(struct bench *bench)
{
    struct fixture fixture;
    const struct fixture_shape short_lived = {.routes = SMALL, .hosts = HOSTS};
    bool done = fixture_open(&fixture, &short_lived) &&
                unusual(bench, &fixture, settle_expired, "get_host, expired", "get_host, fresh");
    fixture_close(&fixture);
    return done;
}

/* As while a host fails, or an operator drains it: a lookup also reads the states of the hosts. */
static bool one_ejected(struct bench *bench)
{
    struct fixture fixture;
    const struct fixture_shape shape = {.routes = SMALL, .hosts = HOSTS, .ttl_s = NEVER_S};
    bool done = fixture_open(&fixture, &shape);
    for (uint32_t i = 0; done && i < SMALL; i++) {
        const struct route_ref route = writer_find(fixture.writer, fixture_key(i));
        writer_set_share(fixture.writer, &route, i % HOSTS, SHARE_EJECTED);
    }
    done = done &&
           unusual(bench, &fixture, workload_settle, "get_host, one host ejected", "get_host, none ejected");
    fixture_close(&fixture);
    return done;
}

bool suite_lookup(struct bench *bench)
{
    static const uint32_t sizes[] = {1, SMALL, MEDIUM, LARGE, VAST};
    if (bench->against)
        return against_run(bench, bench->against);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        const struct fixture_shape shape = {.routes = sizes[i], .hosts = HOSTS, .ttl_s = NEVER_S};
        if (sizes[i] <= bench->routes_max && !at_size(bench, &shape))
            return false;
    }
    const struct fixture_shape wide = {.routes = 1, .hosts = MANY_HOSTS, .ttl_s = NEVER_S};
    return at_size(bench, &wide) &&
           (bench->routes_max < SMALL || (misses(bench) && expired(bench) && one_ejected(bench)));
}
