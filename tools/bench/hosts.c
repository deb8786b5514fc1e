/* SPDX-License-Identifier: MIT */
/* Suite "hosts": one route, from few hosts to as many as a message of the protocol can carry. */
#include "shm/clock.h"
#include "tools/bench/race.h"
#include "tools/bench/reader.h"

enum {
    CALLS = 10000,
    PUBLISHES = 20,
};

static const char suite[] = "hosts";

struct fixture {
    struct world world;
    uint32_t shift;
};

/* Each table is another one than that before. */
static bool put_run(void *context, uint32_t calls)
{
    struct fixture *fixture = context;
    bool done = true;
    for (uint32_t i = 0; i < calls && done; i++)
        done = world_put(fixture->world.writer, 0, fixture->world.shape.hosts, fixture->shift ^= 1, NEVER_S);
    return done;
}

static bool put_check(void *context)
{
    const struct fixture *fixture = context;
    struct host_addr hosts[HOSTS_MAX];
    return put_run(context, 2) &&
           writer_hosts(fixture->world.writer, world_key(0), hosts) == fixture->world.shape.hosts;
}

static void put_settle(void *context)
{
    writer_heartbeat(((struct fixture *)context)->world.writer, clock_tick());
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
    struct fixture fixture = {.shift = 0};
    struct walk lookups = {.world = &fixture.world}, views = lookups;
    const struct world_shape shape = {.routes = 1, .hosts = hosts, .ttl_s = NEVER_S};
    const struct parameter parameters[PARAMETERS_MAX + 1] = {{"hosts", hosts}};
    const struct contender contenders[] = {
        {"get_host", get_host_check, reader_settle, get_host_run, &lookups, CALLS, .peer = NULL},
        {"route_begin/end", view_check, reader_settle, view_run, &views, CALLS, .peer = NULL},
        {"publish", put_check, put_settle, put_run, &fixture, PUBLISHES, .peer = NULL},
    };
    bool done = world_open(&fixture.world, &shape) &&
                race(bench, suite, parameters, contenders, sizeof(contenders) / sizeof(*contenders)) &&
                add_bytes(bench, parameters, hosts);
    world_close(&fixture.world);
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
