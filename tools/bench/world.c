/* SPDX-License-Identifier: MIT */
#include "tools/bench/world.h"

#include <err.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/routes.h"
#include "tools/bench/bench.h"

void world_name(char out[static INSTANCE_MAX + 1])
{
    static unsigned number;
    snprintf(out, INSTANCE_MAX + 1, "bench-%ld-%u", (long)getpid(), number++);
}

bool world_writer(const char *instance, struct writer **out)
{
    const struct writer_options options = {
        .instance = instance,
        .max_bytes = UINT64_C(4) << 30,
        .grace_ms = 2000,
        .max_unknown = 100,
        .group = "",
        .directory = "127.0.0.1:7778",
        .update_timeout_s = 15,
        .poll_interval_ms = 10,
        .probe_num = 10,
        .overload_timeout_s = 15,
    };
    char message[WRITER_MESSAGE_MAX];
    if (writer_open(out, &options, message) == SHM_OK)
        return true;
    warnx("%s", message);
    return false;
}

/* Fetchers that were killed leave objects under more names than those of an instance that is well. */
void world_remove(const char *instance)
{
    char pattern[OBJECT_NAME_MAX + 16];
    glob_t found = {0};
    snprintf(pattern, sizeof(pattern), "/dev/shm/larshm.%s", instance);
    glob(pattern, 0, NULL, &found);
    snprintf(pattern, sizeof(pattern), "/dev/shm/larshm.%s.*", instance);
    glob(pattern, GLOB_APPEND, NULL, &found);
    for (size_t i = 0; i < found.gl_pathc; i++)
        unlink(found.gl_pathv[i]);
    globfree(&found);
}

bool world_put(struct writer *writer, uint32_t route, uint32_t hosts, uint32_t shift, uint32_t ttl_s)
{
    struct host_addr table[HOSTS_MAX];
    char message[WRITER_MESSAGE_MAX];
    for (uint32_t i = 0; i < hosts; i++)
        table[i] = world_host(route, i + shift);
    if (writer_put(writer, world_key(route), table, hosts, NULL, ttl_s, clock_tick(), message) == SHM_OK)
        return true;
    warnx("route %u cannot be published: %s; try --routes with fewer", route, message);
    return false;
}

static uint32_t *new_order(uint32_t routes)
{
    uint32_t *order = malloc(ORDER_LENGTH * sizeof(*order));
    uint64_t state = routes;
    for (uint32_t i = 0; order && i < ORDER_LENGTH; i++)
        order[i] = (uint32_t)((next_random(&state) >> 32) * routes >> 32);
    if (!order)
        warnx("out of memory");
    return order;
}

static bool publish_all(const struct world *world)
{
    const struct world_shape *shape = &world->shape;
    for (uint32_t i = 0; i < shape->routes; i++)
        if (bench_stopped() || !world_put(world->writer, i, shape->hosts, 0, shape->ttl_s))
            return false;
    return true;
}

/* The index in full, and one table for each route. */
static bool measure_bytes(struct world *world)
{
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1, .unsafe_mode = 0022};
    struct region region = {0};
    struct routes routes;
    bool done = region_open(world->names.routes, false, &self, HEADER_BYTES, &region) == SHM_OK &&
                routes_attach(&region, &routes) == SHM_OK;
    if (done)
        world->bytes = (uint64_t)routes.bucket_count * sizeof(struct bucket) +
                       (uint64_t)world->shape.routes * block_units(world->shape.hosts) * UNIT_BYTES;
    else
        warnx("%s cannot be looked at", world->names.routes);
    region_close(&region);
    return done;
}

bool world_open(struct world *world, const struct world_shape *shape)
{
    *world = (struct world){.shape = *shape};
    world_name(world->instance);
    if (object_names(world->instance, &world->names) != SHM_OK ||
        !(world->order = new_order(shape->routes)) || !world_writer(world->instance, &world->writer) ||
        !publish_all(world) || !measure_bytes(world))
        return false;
    writer_heartbeat(world->writer, clock_tick());
    int code = larshm_open(&world->reader, world->instance);
    if (code != LARSHM_OK)
        warnx("%s: %s", world->instance, larshm_strerror(code));
    return code == LARSHM_OK;
}

void world_release(struct world *world)
{
    writer_close(world->writer);
    world->writer = NULL;
}

void world_close(struct world *world)
{
    larshm_close(world->reader);
    writer_close(world->writer);
    if (*world->instance)
        world_remove(world->instance);
    free(world->order);
    *world = (struct world){0};
}
