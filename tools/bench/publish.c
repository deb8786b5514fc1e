/* SPDX-License-Identifier: MIT */
/* Suite "publish": what a publish costs the fetcher, what a route costs in memory, and how soon others see it. */
#include <err.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/clock.h"
#include "tools/bench/stamp.h"
#include "tools/bench/visible.h"
#include "tools/bench/world.h"

enum {
    HOSTS = 4,
    SMALL = 1000, /* routes */
    MEDIUM = 100 * 1000,
    LARGE = 1000 * 1000,
    BATCH = 1000,
    SHIFTS = 1021,
    ROUND_NS = 50 * 1000000,
    BYTES_TARGET = 160,
};

static const char suite[] = "publish";

/* Nearly every table of a route has other hosts than that before; the writer counts which. */
static bool publish_batch(const struct world *world, uint32_t *at)
{
    for (uint32_t i = 0; i < BATCH; i++, (*at)++)
        if (!world_put(world->writer, world->order[*at & ORDER_MASK], HOSTS, 1 + *at % SHIFTS, NEVER_S))
            return false;
    return true;
}

/* The writer makes room as it needs, as that of a fetcher does: its time is part of this. */
static bool measure_rate(const struct bench *bench, const struct world *world, struct figure *figure)
{
    uint32_t at = 0;
    for (uint32_t round = 0; round < bench->rounds; round++) {
        uint64_t before = writer_counter(world->writer, COUNTER_publishes), begun = clock_ns(), now;
        do {
            if (bench_stopped() || !publish_batch(world, &at))
                return false;
            now = clock_ns();
        } while (now - begun < ROUND_NS);
        uint64_t published = writer_counter(world->writer, COUNTER_publishes) - before;
        writer_heartbeat(world->writer, clock_tick());
        figure_sample(figure, (double)published / ((double)(now - begun) / 1e9) / 1e3);
    }
    return true;
}

/* The whole object, with the room that it has for more. */
static bool measure_bytes(const struct world *world, struct figure *figure)
{
    struct stat object;
    int fd = shm_open(world->names.routes, O_RDONLY | O_CLOEXEC, 0);
    bool done = fd >= 0 && fstat(fd, &object) == 0;
    if (done)
        figure_sample(figure, (double)object.st_size / world->shape.routes);
    else
        warn("%s", world->names.routes);
    if (fd >= 0)
        close(fd);
    return done;
}

static bool at_size(struct bench *bench, uint32_t routes)
{
    struct world world;
    const struct world_shape shape = {.routes = routes, .hosts = HOSTS, .ttl_s = NEVER_S};
    struct figure like = {.suite = suite, .parameters = {{"routes", routes}, {"hosts", HOSTS}}};
    bench_progress(bench, "%s: %u routes", suite, routes);
    like.name = "bytes per route";
    like.unit = "B";
    like.target.at_most = routes == LARGE ? BYTES_TARGET : 0;
    struct figure *bytes = figures_add(&bench->figures, &like);
    like.name = "publishes a second";
    like.unit = "k/s";
    like.target.at_most = 0;
    struct figure *rate = figures_add(&bench->figures, &like);
    bool done = world_open(&world, &shape) && bytes && rate && measure_bytes(&world, bytes) &&
                measure_rate(bench, &world, rate);
    world_close(&world);
    return done;
}

bool suite_publish(struct bench *bench)
{
    static const uint32_t sizes[] = {1, SMALL, MEDIUM, LARGE};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
        if (sizes[i] <= bench->routes_max && (sizes[i] < LARGE || bench->patient) &&
            !at_size(bench, sizes[i]))
            return false;
    return visible_run(bench, suite);
}
