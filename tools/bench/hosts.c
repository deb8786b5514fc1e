/* SPDX-License-Identifier: MIT */
/* Suite "hosts": one route, from few hosts to as many as a message of the protocol can carry. */
#include "shm/clock.h"
#include "tools/bench/benchmark.h"
#include "tools/bench/workload.h"

enum {
    CALLS = 10000,
    PUBLISHES = 20,
};

static const char suite[] = "hosts";

struct setup {
    struct fixture fixture;
    uint32_t shift;
};

/* Each table differs from the one before. */
static bool put_run(void *context, uint32_t calls)
{
    struct setup *setup = context;
    bool done = true;
    for (uint32_t i = 0; i < calls && done; i++)
        done = fixture_put(setup->fixture.writer, 0, setup->fixture.shape.hosts, setup->shift ^= 1, NEVER_S);
    return done;
}

static bool put_check(void *context)
{
    const struct setup *setup = context;
    if (!put_run(context, 2))
        return false;
    const struct route_ref route = writer_find(setup->fixture.writer, fixture_key(0));
    return route_ref_count(&route) == setup->fixture.shape.hosts;
}

static void put_settle(void *context)
{
    writer_heartbeat(((struct setup *)context)->fixture.writer, clock_tick());
}

static bool add_bytes(struct bench *bench, const struct parameter *parameters, uint32_t hosts)
{
    struct figure like = {.suite = suite, .name = "bytes", .unit = "B", .parameters = {parameters[0]}};
    struct figure *bytes = figures_add(&bench->figures, &like);
    if (bytes)
        figure_sample(bytes, block_units(hosts) * UNIT_BYTES);
    return bytes;
}

static bool at_size(struct bench *bench, uint32_t hosts)
{
    struct setup setup = {.shift = 0};
    struct workload lookups = {.fixture = &setup.fixture}, views = lookups;
    const struct fixture_shape shape = {.routes = 1, .hosts = hosts, .ttl_s = NEVER_S};
    const struct parameter parameters[PARAMETERS_MAX + 1] = {{"hosts", hosts}};
    const struct benchmark benchmarks[] = {
        {"get_host", get_host_check, workload_settle, get_host_run, &lookups, CALLS, .peer = NULL},
        {"route_begin/end", view_check, workload_settle, view_run, &views, CALLS, .peer = NULL},
        {"publish", put_check, put_settle, put_run, &setup, PUBLISHES, .peer = NULL},
    };
    bool done =
        fixture_open(&setup.fixture, &shape) &&
        benchmarks_run(bench, suite, parameters, benchmarks, sizeof(benchmarks) / sizeof(*benchmarks)) &&
        add_bytes(bench, parameters, hosts);
    fixture_close(&setup.fixture);
    return done;
}

bool suite_hosts(struct bench *bench)
{
    static const uint32_t sizes[] = {10, 100, 1000, 10900};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
        if (!at_size(bench, sizes[i]))
            return false;
    return true;
}
