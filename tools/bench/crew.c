/* SPDX-License-Identifier: MIT */
#include "tools/bench/crew.h"

#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shm/atomic.h"
#include "tools/bench/child.h"
#include "tools/bench/reader.h"
#include "tools/bench/stamp.h"

enum {
    BATCH = 10000,
    RUN_US = 200000,
    LOOK_US = 200,
    START_LOOKS = 50000, /* for a worker to start, before it is taken for lost */
};

/* In memory that processes share. */
struct crew {
    const struct bench *bench;
    const struct world *world;
    uint32_t count;
    _Alignas(CACHE_LINE) _Atomic uint32_t begun;
    _Atomic uint32_t ready; /* warm, and waiting for `go` */
    _Atomic uint32_t failed;
    _Alignas(CACHE_LINE) _Atomic uint32_t go;
    _Atomic uint32_t stop;
    struct {
        _Alignas(CACHE_LINE) _Atomic uint64_t calls;
        _Atomic uint64_t ns;
    } done[CREW_MAX];
    pthread_t threads[CREW_MAX];
    int children[CREW_MAX];
};

static void work(const struct bench *bench, void *context)
{
    struct crew *crew = context;
    uint32_t me = add_relaxed(&crew->begun, 1);
    struct walk walk = {.world = crew->world, .at = me * (ORDER_LENGTH / crew->count)};
    uint64_t calls = 0;
    bool fine = true;
    bench_unpin(bench);
    for (uint32_t i = 0; i < ORDER_LENGTH / BATCH / 4 && fine; i++)
        fine = get_host_run(&walk, BATCH);
    add_relaxed(&crew->ready, 1);
    while (!load_acquire(&crew->go))
        ;
    uint64_t begun = clock_ns();
    while (fine && !load_relaxed(&crew->stop)) {
        fine = get_host_run(&walk, BATCH);
        calls += BATCH;
    }
    store_relaxed(&crew->done[me].ns, clock_ns() - begun);
    store_relaxed(&crew->done[me].calls, calls);
    if (!fine)
        add_relaxed(&crew->failed, 1);
}

static void *work_in_thread(void *context)
{
    const struct crew *crew = context;
    work(crew->bench, context);
    return NULL;
}

static bool start(struct crew *crew, bool processes, uint32_t i)
{
    if (processes) {
        crew->children[i] = child_start(crew->bench, work, crew);
        return crew->children[i] > 0;
    }
    errno = pthread_create(&crew->threads[i], NULL, work_in_thread, crew);
    if (errno)
        warn("thread");
    return errno == 0;
}

static bool all_ready(const struct crew *crew)
{
    for (uint32_t i = 0; i < START_LOOKS && !bench_stopped(); i++) {
        if (load_relaxed(&crew->ready) == crew->count)
            return true;
        usleep(LOOK_US);
    }
    if (!bench_stopped())
        warnx("%u of %u workers are not there: is memory short?", crew->count - load_relaxed(&crew->ready),
              crew->count);
    return false;
}

static void join(const struct crew *crew, bool processes, uint32_t started)
{
    for (uint32_t i = 0; i < started; i++) {
        if (processes)
            child_join(crew->children[i]);
        else
            pthread_join(crew->threads[i], NULL);
    }
}

static double rate_of(const struct crew *crew)
{
    double rate = 0;
    for (uint32_t i = 0; i < crew->count; i++)
        rate += (double)load_relaxed(&crew->done[i].calls) / (double)load_relaxed(&crew->done[i].ns) * 1e9;
    return rate;
}

bool crew_run(const struct bench *bench, const struct world *world, bool processes, uint32_t count,
              double *rate)
{
    struct crew *crew = mmap(NULL, sizeof(*crew), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (crew == MAP_FAILED) {
        warn("memory for workers");
        return false;
    }
    crew->bench = bench;
    crew->world = world;
    crew->count = count;
    uint32_t started = 0;
    while (started < count && start(crew, processes, started))
        started++;
    bool done = started == count && all_ready(crew);
    store_release(&crew->go, 1);
    if (done)
        usleep(RUN_US);
    store_release(&crew->stop, 1);
    join(crew, processes, started);
    if (done && load_relaxed(&crew->failed)) {
        warnx("a lookup failed in one of %u workers", count);
        done = false;
    }
    if (done)
        *rate = rate_of(crew);
    munmap(crew, sizeof(*crew));
    return done;
}
