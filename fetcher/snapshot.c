/* SPDX-License-Identifier: MIT */
#include "fetcher/snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/log.h"
#include "conf/system_error.h"
#include "fetcher/snapshot_collect.h"
#include "fetcher/snapshot_file.h"
#include "fetcher/snapshot_format.h"
#include "fetcher/thread.h"
#include "shm/atomic.h"
#include "shm/clock.h"

enum {
    STEP_MS = 2,  /* of collecting, and */
    PAUSE_MS = 1, /* between two steps */
    FAILURE_SIZE = 128,
    PART = 512, /* slots or records without a look at the clock */
};

/* What the thread has, until it is done. */
struct job {
    const char *path, *instance;
    struct snapshot_encoder encoder;
    const char *in_the_way; /* see snapshot_file_in_the_way() */
    int error;
    const char *step;
    uint64_t unix_ms; /* that it is of */
    _Atomic bool done;
};

struct snapshot {
    uv_timer_t timer;
    struct writer *writer;
    const struct config *config;
    const char *instance, *path;
    uint64_t begun;        /* tick: of the last one */
    uint64_t changes;      /* what was counted then; at first no count at all */
    uint64_t data_version; /* likewise what a directory had told */
    bool collecting, writing;
    char failure[FAILURE_SIZE]; /* why the last one was not written, which the log says; "": it was */
    struct snapshot_collector collector;
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
    return *snapshot->failure || counted(snapshot) != snapshot->changes ||
           writer_data_version(snapshot->writer) != snapshot->data_version;
}

static void begin(struct snapshot *snapshot, uint64_t now)
{
    snapshot->begun = now;
    snapshot->changes = counted(snapshot);
    snapshot->data_version = writer_data_version(snapshot->writer);
    snapshot->collecting = true;
    snapshot->collector.most = snapshot_most(snapshot->config->shm.max_bytes);
    snapshot_collect_begin(&snapshot->collector);
}

static void *write_file(void *context)
{
    struct job *job = context;
    snapshot_seal(job->encoder.bytes, job->encoder.size);
    job->in_the_way = snapshot_file_in_the_way(job->path, job->instance);
    if (!job->in_the_way)
        job->error = snapshot_file_write(job->path, job->encoder.bytes, job->encoder.size, &job->step);
    snapshot_encode_free(&job->encoder);
    /* Pairs with the acquire in snapshot_maintain(): the results are there. */
    store_release(&job->done, true);
    return NULL;
}

/* True if it was for another reason that the last one failed, if it did: this one is to be said. */
static bool has_failed(struct snapshot *snapshot, const char *why)
{
    char before[FAILURE_SIZE];
    strcpy(before, snapshot->failure);
    writer_count(snapshot->writer, COUNTER_snapshot_failures, 1);
    snprintf(snapshot->failure, sizeof(snapshot->failure), "%s", why);
    return strcmp(before, snapshot->failure) != 0;
}

static void failed(struct snapshot *snapshot, const char *step, const char *why)
{
    if (has_failed(snapshot, why))
        log_line(LOG_LEVEL_WARNING,
                 "cannot %s the snapshot %s: %s; routes are served, and a reboot takes what no snapshot has; "
                 "trying again every snapshot_interval",
                 step, snapshot->path, why);
}

/* The job is done. */
static void judge(struct snapshot *snapshot)
{
    const struct job *job = &snapshot->job;
    if (job->in_the_way) {
        if (has_failed(snapshot, job->in_the_way))
            log_line(LOG_LEVEL_ERROR, "no snapshot is written: %s %s", job->path, job->in_the_way);
        return;
    }
    if (job->error != 0) {
        failed(snapshot, job->step, system_error_text(job->error));
        return;
    }
    writer_count(snapshot->writer, COUNTER_snapshots, 1);
    writer_set_snapshot_written(snapshot->writer, job->unix_ms);
    if (*snapshot->failure)
        log_line(LOG_LEVEL_INFO, "the snapshot %s is written again", snapshot->path);
    snapshot->failure[0] = '\0';
}

/* Takes what was collected. False: it is not whole. */
static bool make_job(struct snapshot *snapshot)
{
    struct snapshot_encoder *encoder = &snapshot->collector.encoder;
    snapshot->collecting = false;
    if (!snapshot_encode_end(encoder, snapshot->instance, writer_data_version(snapshot->writer))) {
        snapshot_encode_free(encoder);
        failed(snapshot, "make", "out of memory");
        return false;
    }
    snapshot->job = (struct job){.path = snapshot->path,
                                 .instance = snapshot->instance,
                                 .encoder = *encoder,
                                 .unix_ms = encoder->unix_ms};
    *encoder = (struct snapshot_encoder){0};
    return true;
}

static void write_in_thread(struct snapshot *snapshot)
{
    if (!make_job(snapshot))
        return;
    int error = thread_start(&snapshot->thread, write_file, &snapshot->job);
    snapshot->writing = error == 0;
    if (error != 0) {
        snapshot_encode_free(&snapshot->job.encoder);
        failed(snapshot, "write", system_error_thread_text(error));
    }
}

static void step_due(uv_timer_t *timer)
{
    struct snapshot *snapshot = timer->data;
    uint64_t end = clock_tick() + STEP_MS;
    bool more;
    do
        more = snapshot_collect(&snapshot->collector, PART);
    while (more && clock_tick() < end);
    if (more)
        uv_timer_start(timer, step_due, PAUSE_MS, 0);
    else
        write_in_thread(snapshot);
}

/* Also where routes were there already, so that no snapshot was read. */
static void check_path(struct snapshot *snapshot)
{
    const char *wrong = *snapshot->path ? snapshot_file_in_the_way(snapshot->path, snapshot->instance) : NULL;
    if (!wrong)
        return;
    snprintf(snapshot->failure, sizeof(snapshot->failure), "%s", wrong);
    log_line(LOG_LEVEL_ERROR, "%s %s; until then no snapshot is read or written", snapshot->path, wrong);
}

struct snapshot *snapshot_new(uv_loop_t *loop, struct writer *writer, struct balance *balance,
                              const struct config *config, const char *instance, const char *path)
{
    struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
    if (!snapshot)
        return NULL;
    snapshot->writer = writer;
    snapshot->collector.writer = writer;
    snapshot->collector.store = balance_store(balance);
    snapshot->config = config;
    snapshot->instance = instance;
    snapshot->path = path;
    snapshot->begun = clock_tick();
    snapshot->changes = UINT64_MAX;
    uv_timer_init(loop, &snapshot->timer);
    snapshot->timer.data = snapshot;
    check_path(snapshot);
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
    while (snapshot_collect(&snapshot->collector, PART))
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
    snapshot_encode_free(&snapshot->collector.encoder);
    free(snapshot);
}
