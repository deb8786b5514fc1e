/* SPDX-License-Identifier: MIT */
/*
 * Suite "publish": what a publish costs the fetcher, what a route costs in memory, and how soon another process sees it.
 */
#include <err.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/number.h"
#include "shm/clock.h"
#include "tools/bench/deployment.h"
#include "tools/bench/directory.h"
#include "tools/bench/fixture.h"
#include "tools/bench/readers.h"
#include "tools/bench/timing.h"

enum {
    HOSTS = 4,
    SMALL = 1000, /* routes */
    MEDIUM = 100 * 1000,
    LARGE = 1000 * 1000,
    BATCH = 1000,
    SHIFTS = 1021,
    ROUND_NS = 50 * 1000000,
    BYTES_TARGET = 160,
    ROUND_TABLES = 1000, /* seen by another process */
    SEEN_TARGET_US = 50,
};

static const char suite[] = "publish";

/* Nearly every table differs from the one before; the writer counts those. */
static bool publish_batch(const struct fixture *fixture, uint32_t *at)
{
    for (uint32_t i = 0; i < BATCH; i++, (*at)++)
        if (!fixture_put(fixture->writer, fixture->sequence[*at & SEQUENCE_MASK], HOSTS, 1 + *at % SHIFTS,
                         NEVER_S))
            return false;
    return true;
}

/* The writer grows as that of a fetcher does; that time counts. */
static bool measure_rate(const struct bench *bench, const struct fixture *fixture, struct figure *figure)
{
    uint32_t at = 0;
    for (uint32_t round = 0; round < bench->rounds; round++) {
        uint64_t before = writer_counter(fixture->writer, COUNTER_publishes), begun = clock_ns(), now;
        do {
            if (bench_stopped() || !publish_batch(fixture, &at))
                return false;
            now = clock_ns();
        } while (now - begun < ROUND_NS);
        uint64_t published = writer_counter(fixture->writer, COUNTER_publishes) - before;
        writer_heartbeat(fixture->writer, clock_tick());
        figure_sample(figure, (double)published / ((double)(now - begun) / 1e9) / 1e3);
    }
    return true;
}

/* The whole object, with its free room. */
static bool measure_bytes(const struct fixture *fixture, struct figure *figure)
{
    struct stat object;
    int fd = region_descriptor(fixture->names.routes, O_RDONLY, 0);
    bool done = fd >= 0 && fstat(fd, &object) == 0;
    if (done)
        figure_sample(figure, (double)object.st_size / fixture->shape.routes);
    else
        warn("%s", fixture->names.routes);
    if (fd >= 0)
        close(fd);
    return done;
}

static bool at_size(struct bench *bench, uint32_t routes)
{
    struct fixture fixture;
    const struct fixture_shape shape = {.routes = routes, .hosts = HOSTS, .ttl_s = NEVER_S};
    struct figure like = {.suite = suite, .parameters = {{"routes", routes}, {"hosts", HOSTS}}};
    bench_progress(bench, "%s: %u route%s", suite, routes, number_plural(routes));
    like.name = "bytes per route";
    like.unit = "B";
    like.target.at_most = routes == LARGE ? BYTES_TARGET : 0;
    struct figure *bytes = figures_add(&bench->figures, &like);
    like.name = "publishes a second";
    like.unit = "k/s";
    like.target.at_most = 0;
    struct figure *rate = figures_add(&bench->figures, &like);
    bool done = fixture_open(&fixture, &shape) && bytes && rate && measure_bytes(&fixture, bytes) &&
                measure_rate(bench, &fixture, rate);
    fixture_close(&fixture);
    return done;
}

/* Publishes table number `number` of route 0. */
typedef bool publish_fn(void *context, uint32_t number);

struct source {
    const char *p50, *p99;
    double p99_at_most;
    publish_fn *publish;
    void *context;
    const char *instance;
};

static bool run_round(const struct source *source, const struct reader *reader, uint32_t *number, double *us)
{
    for (int i = 0; i < ROUND_TABLES; i++) {
        uint64_t begun = clock_ns(), seen;
        *number = (*number + 1) % TABLES;
        if (!source->publish(source->context, *number) || !reader_await(reader, *number, &seen))
            return false;
        us[i] = (double)(seen - begun) / 1e3;
    }
    sort_values(us, ROUND_TABLES);
    return true;
}

static bool run_source(struct bench *bench, const struct source *source)
{
    struct figure like = {.suite = suite, .name = source->p50, .unit = "us"};
    struct figure *p50 = figures_add(&bench->figures, &like);
    like.name = source->p99;
    like.target.at_most = source->p99_at_most;
    struct figure *p99 = figures_add(&bench->figures, &like);
    struct reader reader;
    uint32_t number = 0;
    bool done = reader_open_tables(&reader, bench, source->instance) && p50 && p99;
    for (uint32_t round = 0; done && round < bench->rounds; round++) {
        double us[ROUND_TABLES];
        bench_progress(bench, "%s: %s: round %u of %u", suite, source->p99, round + 1, bench->rounds);
        if ((done = run_round(source, &reader, &number, us))) {
            figure_sample(p50, percentile(us, ROUND_TABLES, 0.5));
            figure_sample(p99, percentile(us, ROUND_TABLES, 0.99));
        }
    }
    reader_close(&reader);
    return done;
}

static bool put(void *writer, uint32_t number)
{
    return fixture_put(writer, 0, TABLE_HOSTS, number * TABLE_HOSTS, NEVER_S);
}

static bool seen_after_publish(struct bench *bench)
{
    struct fixture fixture;
    const struct fixture_shape shape = {.routes = 1, .hosts = TABLE_HOSTS, .ttl_s = NEVER_S};
    bool done = fixture_open(&fixture, &shape);
    const struct source source = {"publish to seen p50", "publish to seen p99", SEEN_TARGET_US, put,
                                  fixture.writer,        fixture.instance};
    done = done && run_source(bench, &source);
    fixture_close(&fixture);
    return done;
}

static bool push(void *directory, uint32_t number)
{
    return directory_answer(directory, 0, TABLE_HOSTS, number * TABLE_HOSTS) && directory_flush(directory);
}

/* With the route in place, so that the reader opens an instance that is served. */
static bool seen_after_message(struct bench *bench)
{
    struct fixture fixture;
    struct deployment deployment = {0};
    struct directory directory;
    struct program fetcher = {0};
    const struct fixture_shape shape = {.routes = 1, .hosts = TABLE_HOSTS, .ttl_s = NEVER_S};
    bool done = directory_open(&directory) && deployment_open(&deployment);
    done = fixture_open(&fixture, &shape) && done;
    fixture_release(&fixture);
    const struct fetcher_config config = {fixture.instance, directory.port, NEVER_S, "larshm-fetcher"};
    const struct source source = {"frame to seen p50", "frame to seen p99", 0, push,
                                  &directory,          fixture.instance};
    done = done && deployment_start_fetcher(&deployment, bench, &config, &fetcher) &&
           directory_accept(&directory) && run_source(bench, &source);
    program_kill(&fetcher);
    fixture_close(&fixture);
    directory_close(&directory);
    deployment_close(&deployment);
    return done;
}

bool suite_publish(struct bench *bench)
{
    static const uint32_t sizes[] = {1, SMALL, MEDIUM, LARGE};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
        if (sizes[i] <= bench->routes_max && (sizes[i] < LARGE || bench->patient) &&
            !at_size(bench, sizes[i]))
            return false;
    return bench_cpus(bench) < 2 || (seen_after_publish(bench) && seen_after_message(bench));
}
