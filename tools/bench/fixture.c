/* SPDX-License-Identifier: MIT */
#include "tools/bench/fixture.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fetcher/event_log.h"
#include "shm/clock.h"
#include "shm/routes.h"
#include "tools/bench/bench.h"
#include "tools/bench/private_instance.h"

void fixture_name(char out[static INSTANCE_MAX + 1])
{
    private_instance_name("bench", out);
}

bool fixture_writer(const char *instance, struct writer **out)
{
    const struct writer_options options = private_instance_options(instance, UINT64_C(4) << 30);
    struct event failure;
    char text[EVENT_TEXT_MAX];
    if (writer_open(out, &options, &failure) == SHM_OK)
        return true;
    event_text(&failure, text);
    warnx("%s", text);
    return false;
}

void fixture_remove(const char *instance)
{
    struct object_names names;
    if (*instance && object_names(instance, &names) == SHM_OK)
        private_instance_remove(&names);
}

bool fixture_put(struct writer *writer, uint32_t route, uint32_t hosts, uint32_t shift, uint32_t ttl_s)
{
    struct host_addr table[HOSTS_MAX];
    struct route_ref found = writer_find(writer, fixture_key(route));
    bool changed;
    for (uint32_t i = 0; i < hosts; i++)
        table[i] = fixture_host(route, i + shift);
    if (writer_put(writer, &found, table, hosts, NULL, ttl_s, clock_tick(), &changed) == SHM_OK)
        return true;
    warnx("no room for route %u: try --routes with fewer", route);
    return false;
}

void fixture_settle(struct writer *writer)
{
    while (writer_grow_on(writer, clock_tick()))
        continue;
}

static bool publish_all(const struct fixture *fixture)
{
    const struct fixture_shape *shape = &fixture->shape;
    for (uint32_t i = 0; i < shape->routes; i++)
        if (bench_stopped() || !fixture_put(fixture->writer, i, shape->hosts, 0, shape->ttl_s))
            return false;
    fixture_settle(fixture->writer);
    return true;
}

/* The index in full, and one table for each route. */
bool fixture_measure(struct fixture *fixture)
{
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1, .unsafe_mode = 0022};
    struct region region = {0};
    struct routes routes;
    bool done = region_open(fixture->names.routes, false, &self, HEADER_BYTES, &region) == SHM_OK &&
                routes_attach(&region, &routes) == SHM_OK;
    if (done)
        fixture->bytes = (uint64_t)routes.bucket_count * sizeof(struct bucket) +
                         (uint64_t)fixture->shape.routes * block_units(fixture->shape.hosts) * UNIT_BYTES;
    else
        warnx("cannot read %s", fixture->names.routes);
    region_close(&region);
    return done;
}

bool fixture_prepare(struct fixture *fixture, const struct fixture_shape *shape,
                     const struct library *library)
{
    *fixture = (struct fixture){.shape = *shape, .library = library};
    fixture_name(fixture->instance);
    return object_names(fixture->instance, &fixture->names) == SHM_OK &&
           (fixture->sequence = shape->zipf ? sequence_new_zipf(shape->routes) : sequence_new(shape->routes));
}

bool fixture_attach(struct fixture *fixture)
{
    int code = fixture->library->open(&fixture->reader, fixture->instance);
    if (code != LARSHM_OK)
        warnx("%s: %s", fixture->instance, larshm_strerror(code));
    return code == LARSHM_OK;
}

bool fixture_open(struct fixture *fixture, const struct fixture_shape *shape)
{
    if (!fixture_prepare(fixture, shape, &own_library) ||
        !fixture_writer(fixture->instance, &fixture->writer) || !publish_all(fixture) ||
        !fixture_measure(fixture))
        return false;
    writer_heartbeat(fixture->writer, clock_tick());
    return fixture_attach(fixture);
}

void fixture_release(struct fixture *fixture)
{
    writer_close(fixture->writer);
    fixture->writer = NULL;
}

void fixture_close(struct fixture *fixture)
{
    if (fixture->reader)
        fixture->library->close(fixture->reader);
    writer_close(fixture->writer);
    fixture_remove(fixture->instance);
    free(fixture->sequence);
    *fixture = (struct fixture){0};
}
