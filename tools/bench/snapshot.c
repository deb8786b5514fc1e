/* SPDX-License-Identifier: MIT */
/* Suite "snapshot": what a fetcher does for the file that outlives a reboot, and how soon it serves what is in it. */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "conf/number.h"
#include "conf/system_error.h"
#include "fetcher/event_log.h"
#include "fetcher/snapshot_collect.h"
#include "fetcher/snapshot_file.h"
#include "fetcher/snapshot_restore.h"
#include "tools/bench/deployment.h"
#include "tools/bench/fixture.h"
#include "tools/bench/private_instance.h"
#include "tools/bench/timing.h"

enum {
    HOSTS = 4,
    SMALL = 1000, /* routes */
    MEDIUM = 100 * 1000,
    LARGE = 1000 * 1000,
    STEP_MS = 2, /* as snapshot.c of the fetcher has it */
    PART = 512,
    WRITE_TARGET_MS = 1000,
    STEP_TARGET_MS = 5,
    READ_TARGET_MS = 1500,
};

static const char suite[] = "snapshot";

struct snapshot_figures {
    struct figure *bytes, *write, *step, *read;
};

static double cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* Returns the longest step, by the processor's time: others use this machine, too. */
static double collect(struct snapshot_collector *collector)
{
    double longest = 0;
    bool more = true;
    for (snapshot_collect_begin(collector); more;) {
        double begun = cpu_ms(), took;
        do {
            more = snapshot_collect(collector, PART);
            took = cpu_ms() - begun;
        } while (more && took < STEP_MS);
        longest = took > longest ? took : longest;
    }
    return longest;
}

static bool write_one(struct snapshot_collector *collector, const char *instance, const char *path,
                      const struct snapshot_figures *figures, uint32_t routes)
{
    struct snapshot_encoder *encoder = &collector->encoder;
    const char *step = "make";
    double begun = cpu_ms(), longest = collect(collector);
    int error = ENOMEM;
    if (snapshot_encode_end(encoder, instance, 0)) {
        snapshot_seal(encoder->bytes, encoder->size);
        error = snapshot_file_write(path, encoder->bytes, encoder->size, &step);
    }
    if (error != 0) {
        warnx("cannot %s %s: %s", step, path, system_error_text(error));
        return false;
    }
    figure_sample(figures->write, cpu_ms() - begun);
    figure_sample(figures->step, longest);
    figure_sample(figures->bytes, (double)encoder->size / routes);
    return true;
}

static bool write_all(const struct bench *bench, const struct fixture *fixture, const char *path,
                      const struct snapshot_figures *figures)
{
    struct snapshot_collector collector = {.writer = fixture->writer, .most = UINT64_C(4) << 30};
    struct event failure;
    bool done = host_store_open(&collector.store, fixture->instance, 1 << 20, &failure) == SHM_OK;
    if (!done)
        event_log_failure(&failure);
    for (uint32_t round = 0; done && round < bench->rounds; round++)
        done = !bench_stopped() &&
               write_one(&collector, fixture->instance, path, figures, fixture->shape.routes);
    host_store_close(collector.store);
    snapshot_encode_free(&collector.encoder);
    return done;
}

/* The objects are removed each time, as a reboot does. */
static bool read_all(const struct bench *bench, const char *instance, const char *path, uint32_t routes,
                     struct figure *figure)
{
    struct writer_options options = private_instance_options(instance, UINT64_C(4) << 30);
    bool done = true;
    for (uint32_t round = 0; done && round < bench->rounds; round++) {
        struct event failure;
        struct writer *writer = NULL;
        fixture_remove(instance);
        uint64_t begun = clock_ns();
        struct snapshot_restore *restore = snapshot_restore_new(path, instance, options.max_bytes);
        options.restored = snapshot_restore_source(restore);
        done = !bench_stopped() && writer_open(&writer, &options, &failure) == SHM_OK &&
               writer_counter(writer, COUNTER_routes) == routes;
        figure_sample(figure, (double)(clock_ns() - begun) / 1e6);
        snapshot_restore_delete(restore);
        writer_close(writer);
    }
    fixture_remove(instance);
    if (!done && !bench_stopped())
        warnx("%s does not bring %u routes back", path, routes);
    return done;
}

static struct figure *add_figure(struct bench *bench, uint32_t routes, const char *name, const char *unit,
                                 double at_most)
{
    const struct figure like = {.suite = suite,
                                .name = name,
                                .unit = unit,
                                .parameters = {{"routes", routes}, {"hosts", HOSTS}},
                                .target.at_most = routes == LARGE ? at_most : 0};
    return figures_add(&bench->figures, &like);
}

static bool at_size(struct bench *bench, const char *home, uint32_t routes)
{
    const struct fixture_shape shape = {.routes = routes, .hosts = HOSTS, .ttl_s = NEVER_S};
    const struct snapshot_figures figures = {
        .write = add_figure(bench, routes, "processor time to write", "ms", WRITE_TARGET_MS),
        .step = add_figure(bench, routes, "longest step", "ms", STEP_TARGET_MS),
        .bytes = add_figure(bench, routes, "bytes per route", "B", 0),
        .read = add_figure(bench, routes, "start to routes", "ms", READ_TARGET_MS),
    };
    char path[SNAPSHOT_FILE_PATH_SIZE], instance[INSTANCE_MAX + 1];
    struct fixture fixture = {0};
    bench_progress(bench, "%s: %u route%s", suite, routes, number_plural(routes));
    snprintf(path, sizeof(path), "%.100s/snapshot", home);
    bool done = figures.write && figures.step && figures.bytes && figures.read &&
                fixture_open(&fixture, &shape) && write_all(bench, &fixture, path, &figures);
    memcpy(instance, fixture.instance, sizeof(instance));
    fixture_close(&fixture);
    return done && read_all(bench, instance, path, routes, figures.read);
}

bool suite_snapshot(struct bench *bench)
{
    const uint32_t sizes[] = {bench_routes(bench, SMALL), MEDIUM, LARGE};
    struct deployment deployment = {{0}};
    bool done = deployment_open(&deployment);
    for (size_t i = 0; done && i < sizeof(sizes) / sizeof(*sizes); i++)
        if (sizes[i] <= bench->routes_max && (sizes[i] < LARGE || bench->patient))
            done = at_size(bench, deployment.home, sizes[i]);
    deployment_close(&deployment);
    return done;
}
