/* SPDX-License-Identifier: MIT */
/* Suites "threads" and "processes": calls a second of 1, 2, ... workers, up to the number of processors. */
#include <err.h>
#include <pthread.h>
#include <unistd.h>

#include "conf/system_error.h"
#include "shm/atomic.h"
#include "tools/bench/bench.h"
#include "tools/bench/child.h"
#include "tools/bench/timing.h"
#include "tools/bench/workload.h"

enum {
    ROUTES = 1000,
    HOSTS = 4,
    STEPS_MAX = 16,
    WORKERS_MAX = 256,
    BATCH = 10000,
    RUN_US = 200000,
    POLL_US = 200,
    START_POLLS = 50000, /* until a worker that has not started counts as lost */
};

/* What workers do, and the least that two processes do, of one's. */
struct kind {
    const char *name;
    bool (*run)(void *workload, uint32_t calls);
    double twice;
};

/* Threads or processes that look up at the same time. In memory that processes share. */
struct workers {
    const struct bench *bench;
    const struct fixture *fixture;
    const struct kind *kind;
    bool processes;
    uint32_t count;
    _Alignas(CACHE_LINE) _Atomic uint32_t begun;
    _Atomic uint32_t ready; /* warm, and waiting for `go` */
    _Atomic uint32_t failed;
    _Alignas(CACHE_LINE) _Atomic uint32_t go;
    _Atomic uint32_t stop;
    struct {
        _Alignas(CACHE_LINE) _Atomic uint64_t calls;
        _Atomic uint64_t ns;
    } done[WORKERS_MAX];
    pthread_t threads[WORKERS_MAX];
    int children[WORKERS_MAX];
};

static void work(const struct bench *bench, void *context)
{
    struct workers *workers = context;
    uint32_t me = add_relaxed(&workers->begun, 1);
    struct workload workload = {.fixture = workers->fixture, .at = me * (SEQUENCE_LENGTH / workers->count)};
    uint64_t calls = 0;
    bool fine = true;
    bench_unpin(bench);
    for (uint32_t i = 0; i < SEQUENCE_LENGTH / BATCH / 4 && fine; i++)
        fine = workers->kind->run(&workload, BATCH);
    add_relaxed(&workers->ready, 1);
    while (!load_acquire(&workers->go))
        ;
    uint64_t begun = clock_ns();
    while (fine && !load_relaxed(&workers->stop)) {
        fine = workers->kind->run(&workload, BATCH);
        calls += BATCH;
    }
    store_relaxed(&workers->done[me].ns, clock_ns() - begun);
    store_relaxed(&workers->done[me].calls, calls);
    if (!fine)
        add_relaxed(&workers->failed, 1);
}

static void *work_in_thread(void *context)
{
    const struct workers *workers = context;
    work(workers->bench, context);
    return NULL;
}

static bool start(struct workers *workers, uint32_t i)
{
    if (workers->processes) {
        workers->children[i] = bench_fork(workers->bench, work, workers);
        return workers->children[i] > 0;
    }
    int error = pthread_create(&workers->threads[i], NULL, work_in_thread, workers);
    if (error != 0)
        warnx("cannot start a thread: %s", system_error_thread_text(error));
    return error == 0;
}

static bool all_ready(const struct workers *workers)
{
    for (uint32_t i = 0; i < START_POLLS && !bench_stopped(); i++) {
        if (load_relaxed(&workers->ready) == workers->count)
            return true;
        usleep(POLL_US);
    }
    if (!bench_stopped())
        warnx("%u of %u workers did not start: is memory short?",
              workers->count - load_relaxed(&workers->ready), workers->count);
    return false;
}

static void join(const struct workers *workers, uint32_t started)
{
    for (uint32_t i = 0; i < started; i++) {
        if (workers->processes)
            child_join(workers->children[i]);
        else
            pthread_join(workers->threads[i], NULL);
    }
}

static double rate_of(const struct workers *workers)
{
    double rate = 0;
    for (uint32_t i = 0; i < workers->count; i++)
        rate +=
            (double)load_relaxed(&workers->done[i].calls) / (double)load_relaxed(&workers->done[i].ns) * 1e9;
    return rate;
}

/*
 * Starts `count` workers that use the fixture's reader, each elsewhere in the sequence, lets them go at one moment, and
 * stops them a while later. *rate is what they did together, in lookups a second. False: said on stderr, or
 * bench_stopped().
 */
static bool run_workers(const struct bench *bench, const struct fixture *fixture, const struct kind *kind,
                        bool processes, uint32_t count, double *rate)
{
    struct workers *workers = child_share(sizeof(*workers));
    uint32_t started = 0;
    if (!workers)
        return false;
    workers->bench = bench;
    workers->fixture = fixture;
    workers->kind = kind;
    workers->processes = processes;
    workers->count = count;
    while (started < count && start(workers, started))
        started++;
    bool done = started == count && all_ready(workers);
    store_release(&workers->go, 1);
    if (done)
        usleep(RUN_US);
    store_release(&workers->stop, 1);
    join(workers, started);
    if (done && load_relaxed(&workers->failed)) {
        warnx("a call failed in one of %u workers", count);
        done = false;
    }
    if (done)
        *rate = rate_of(workers);
    child_unshare(workers, sizeof(*workers));
    return done;
}

/* 1, 2, 4, ... and all of them. */
static uint32_t plan_steps(const struct bench *bench, uint32_t steps[static STEPS_MAX])
{
    uint32_t count = 0, most = bench_cpus(bench);
    if (most > WORKERS_MAX)
        most = WORKERS_MAX;
    for (uint32_t step = 1; step < most && count < STEPS_MAX - 1; step *= 2)
        steps[count++] = step;
    steps[count++] = most;
    return count;
}

static bool measure(struct bench *bench, const char *suite, bool processes, const struct fixture *fixture,
                    const struct kind *kind)
{
    uint32_t steps[STEPS_MAX], count = plan_steps(bench, steps);
    struct figure *figures[STEPS_MAX];
    for (uint32_t i = 0; i < count; i++) {
        const struct figure like = {
            .suite = suite,
            .name = kind->name,
            .unit = "M/s",
            .parameters = {{suite, steps[i]}, {"routes", fixture->shape.routes}},
            .peer = i ? figures[0] : NULL,
            .target = {.at_least = processes && steps[i] == 2 ? kind->twice : 0},
        };
        if (!(figures[i] = figures_add(&bench->figures, &like)))
            return false;
    }
    for (uint32_t round = 0; round < bench->rounds; round++)
        for (uint32_t i = 0; i < count; i++) {
            double rate;
            bench_progress(bench, "%s: %s: %u: round %u of %u", suite, kind->name, steps[i], round + 1,
                           bench->rounds);
            if (bench_stopped() || !run_workers(bench, fixture, kind, processes, steps[i], &rate))
                return false;
            figure_sample(figures[i], rate / 1e6);
        }
    return true;
}

static bool report_one_host(void *reader, uint32_t route, larshm_host *out)
{
    const struct host_addr host = fixture_host(0, 0);
    (void)route;
    *out = (larshm_host){fixture_modid(0), fixture_cmdid(0), host.address, host.port};
    return larshm_report(reader, out, 0) == LARSHM_OK;
}

static bool report_run(void *context, uint32_t calls)
{
    struct workload *workload = context;
    return workload_run(workload, calls, report_one_host, workload->fixture->reader);
}

static const struct kind lookups = {"get_host", get_host_run, 1.9};
static const struct kind reports = {"report of one host", report_run, 1.6};

/* The host has a record once its first result has been taken. */
static bool make_room(const struct fixture *fixture)
{
    struct workload workload = {.fixture = fixture};
    report_run(&workload, 1);
    workload_collect(&workload);
    bool done = report_run(&workload, 1);
    if (!done)
        warnx("a report found no room for its host");
    return done;
}

static bool scale(struct bench *bench, const char *suite, bool processes)
{
    const struct fixture_shape shape = {
        .routes = bench_routes(bench, ROUTES), .hosts = HOSTS, .ttl_s = NEVER_S};
    struct fixture fixture;
    bool done = fixture_open(&fixture, &shape) && measure(bench, suite, processes, &fixture, &lookups) &&
                make_room(&fixture) && measure(bench, suite, processes, &fixture, &reports);
    fixture_close(&fixture);
    return done;
}

bool suite_threads(struct bench *bench)
{
    return scale(bench, "threads", false);
}

bool suite_processes(struct bench *bench)
{
    return scale(bench, "processes", true);
}
