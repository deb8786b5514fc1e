/* SPDX-License-Identifier: MIT */
#include "fetcher/snapshot.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "conf/log.h"
#include "conf/system_error.h"
#include "fetcher/snapshot_encode.h"
#include "fetcher/snapshot_file.h"
#include "fetcher/snapshot_format.h"
#include "shm/atomic.h"
#include "shm/clock.h"

enum {
    STEP_MS = 2,         /* of collecting, and */
    PAUSE_MS = 1,        /* between two steps */
    SLOTS_AT_ONCE = 512, /* without a look at the clock */
};

/* What the thread has, until it is done. */
struct job {
    const char *path;
    uint8_t *bytes;
    size_t size;
    int error;
    const char *step;
    _Atomic bool done;
};

struct snapshot {
    uv_timer_t timer;
    struct writer *writer;
    struct balance *balance;
    const struct config *config;
    const char *instance, *path;
    uint64_t begun,
        changes; /* of the last one: a tick, and what was counted then; at first no count at all */
    bool collecting, writing, failing;
    struct snapshot_encoder encoder;
    uint64_t generation;   /* that `slot` is of */
    uint32_t slot, record; /* the next ones to be collected */
    pthread_t thread;
    struct job job;
};

/* Changes with all that a snapshot holds, but for the end of an ejection: that is where its begin says. */
static uint64_t counted(const struct snapshot *snapshot)
{
    static const enum shm_counter signs[] = {COUNTER_publishes,       COUNTER_refreshes, COUNTER_reports,
                                             COUNTER_reports_unknown, COUNTER_ejections, COUNTER_orders};
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++)
        sum += writer_counter(snapshot->writer, signs[i]);
    return sum;
}

static bool has_changed(const struct snapshot *snapshot)
{
    return snapshot->failing || counted(snapshot) != snapshot->changes;
}

static void begin(struct snapshot *snapshot, uint64_t now)
{
    snapshot->begun = now;
    snapshot->changes = counted(snapshot);
    snapshot->collecting = true;
    snapshot->slot = snapshot->record = 0;
    snapshot->generation = writer_generation(snapshot->writer);
    snapshot_encode_begin(&snapshot->encoder, snapshot_most(snapshot->config->shm.max_bytes), clock_unix_ms(),
                          now);
}

/* A route's records together, so that what one has absorbed is in one of them, and not in two. */
static void collect_hosts_of(struct snapshot *snapshot, uint32_t own)
{
    struct host_store *store = balance_store(snapshot->balance);
    struct route_key key;
    struct host_addr host;
    for (uint32_t number = own; number != HOST_STORE_NONE; number = host_store_next(store, number))
        if (host_store_is(store, number, &key, &host))
            snapshot_encode_host(&snapshot->encoder, key, host, host_store_entry(store, number));
}

/* False: all is collected. */
static bool collect_some(struct snapshot *snapshot)
{
    const struct host_store *store = balance_store(snapshot->balance);
    uint32_t slots = writer_slot_count(snapshot->writer), end = snapshot->slot + SLOTS_AT_ONCE;
    struct route_ref route;
    if (snapshot->slot < slots) {
        while (writer_next_route_before(snapshot->writer, &snapshot->slot, end < slots ? end : slots, &route))
            snapshot_encode_route(&snapshot->encoder, &route);
        return true;
    }
    for (uint32_t i = 0; i < SLOTS_AT_ONCE && snapshot->record < host_store_used(store);
         i++, snapshot->record++) {
        struct route_key key;
        struct host_addr host;
        if (host_store_is(store, snapshot->record, &key, &host) && host_addr_is_none(host))
            collect_hosts_of(snapshot, snapshot->record);
    }
    return snapshot->record < host_store_used(store);
}

static void *write_file(void *context)
{
    struct job *job = context;
    snapshot_seal(job->bytes, job->size);
    job->error = snapshot_file_write(job->path, job->bytes, job->size, &job->step);
    free(job->bytes);
    store_release(&job->done,
                  true); /* pairs with the acquire in snapshot_maintain(): the results are there */
    return NULL;
}

static void failed(struct snapshot *snapshot, const char *step, const char *why)
{
    writer_count(snapshot->writer, COUNTER_snapshot_failures, 1);
    if (!snapshot->failing)
        log_line(
            LOG_LEVEL_WARNING,
            "cannot %s the snapshot %s: %s; routes are served, and after a reboot they are as they were in "
            "the last one; trying again every snapshot_interval",
            step, snapshot->path, why);
    snapshot->failing = true;
}

/* The job is done. */
static void judge(struct snapshot *snapshot)
{
    const struct job *job = &snapshot->job;
    if (job->error != 0) {
        failed(snapshot, job->step, system_error_text(job->error));
        return;
    }
    writer_count(snapshot->writer, COUNTER_snapshots, 1);
    if (snapshot->failing)
        log_line(LOG_LEVEL_INFO, "the snapshot %s is written again", snapshot->path);
    snapshot->failing = false;
}

/* Takes what was collected. False: it is not whole. */
static bool make_job(struct snapshot *snapshot)
{
    struct snapshot_encoder *encoder = &snapshot->encoder;
    snapshot->collecting = false;
    if (!snapshot_encode_end(encoder, snapshot->instance)) {
        snapshot_encode_free(encoder);
        failed(snapshot, "make", "out of memory");
        return false;
    }
    snapshot->job = (struct job){.path = snapshot->path, .bytes = encoder->bytes, .size = encoder->size};
    *encoder = (struct snapshot_encoder){0};
    return true;
}

/* Signals are for the loop. */
static int start_thread(struct snapshot *snapshot)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&snapshot->thread, NULL, write_file, &snapshot->job);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

static void write_in_thread(struct snapshot *snapshot)
{
    if (!make_job(snapshot))
        return;
    int error = start_thread(snapshot);
    snapshot->writing = error == 0;
    if (error != 0) {
        free(snapshot->job.bytes);
        failed(snapshot, "write", system_error_thread_text(error));
    }
}

static void step_due(uv_timer_t *timer)
{
    struct snapshot *snapshot = timer->data;
    uint64_t end = clock_tick() + STEP_MS;
    /* A generation has its routes in other slots. It comes far more rarely than it takes to collect them. */
    if (snapshot->generation != writer_generation(snapshot->writer))
        begin(snapshot, clock_tick());
    bool more;
    do
        more = collect_some(snapshot);
    while (more && clock_tick() < end);
    if (more)
        uv_timer_start(timer, step_due, PAUSE_MS, 0);
    else
        write_in_thread(snapshot);
}

struct snapshot *snapshot_new(uv_loop_t *loop, struct writer *writer, struct balance *balance,
                              const struct config *config, const char *instance, const char *path)
{
    struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
    if (!snapshot)
        return NULL;
    snapshot->writer = writer;
    snapshot->balance = balance;
    snapshot->config = config;
    snapshot->instance = instance;
    snapshot->path = path;
    snapshot->begun = clock_tick();
    snapshot->changes = UINT64_MAX;
    uv_timer_init(loop, &snapshot->timer);
    snapshot->timer.data = snapshot;
    return snapshot;
}

static void end_job(struct snapshot *snapshot)
{
    if (!snapshot->writing)
        return;
    pthread_join(snapshot->thread, NULL);
    snapshot->writing = false;
    judge(snapshot);
}

void snapshot_maintain(struct snapshot *snapshot, uint64_t now)
{
    if (!snapshot || !*snapshot->path)
        return;
    if (snapshot->writing && load_acquire(&snapshot->job.done))
        end_job(snapshot);
    uint64_t interval = snapshot->config->fetcher.snapshot_interval * UINT64_C(1000);
    if (snapshot->collecting || snapshot->writing || interval == 0 || now < snapshot->begun + interval ||
        !has_changed(snapshot))
        return;
    begin(snapshot, now);
    uv_timer_start(&snapshot->timer, step_due, 0, 0);
}

void snapshot_stop(struct snapshot *snapshot)
{
    if (snapshot)
        uv_close((uv_handle_t *)&snapshot->timer, NULL);
}

void snapshot_write_last(struct snapshot *snapshot)
{
    if (!snapshot || !*snapshot->path)
        return;
    end_job(snapshot);
    if (!snapshot->collecting && !has_changed(snapshot))
        return;
    begin(snapshot, clock_tick());
    while (collect_some(snapshot))
        continue;
    if (make_job(snapshot)) {
        write_file(&snapshot->job);
        judge(snapshot);
    }
}

void snapshot_delete(struct snapshot *snapshot)
{
    if (!snapshot)
        return;
    if (snapshot->writing)
        pthread_join(snapshot->thread, NULL);
    snapshot_encode_free(&snapshot->encoder);
    free(snapshot);
}
