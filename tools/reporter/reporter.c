/* SPDX-License-Identifier: MIT */
#include "tools/reporter/reporter.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

#include "conf/log.h"
#include "conf/number.h"
#include "tools/common/follow.h"
#include "tools/reporter/kept.h"
#include "tools/reporter/report.h"

enum {
    COMMIT_MS = 100,       /* from the first result that waits */
    COMMIT_KEPT = 1 << 16, /* so many do not wait for the timer */
    RETRY_MS = 500,        /* after a write that failed */
    FOLLOW_MS = 1000,
    BUSY_MS = 50,        /* another process's edit keeps a write waiting so long at most ... */
    LAST_BUSY_MS = 5000, /* ... and at the end of the program, all of them so long */
};

struct client {
    struct reporter *reporter;
    struct peer *peer;
};

/* What a peer can cause at any rate. */
struct trouble {
    uint64_t count;
    struct log_limit limit;
};

/* What one write takes, and what becomes of it. The thread's while it runs, but for `work`, `done` and the number of
 * rows. */
struct write {
    uv_work_t work; /* its `data` is the reporter */
    struct kept rows;
    size_t done;
    bool sorted;
    int followed, rc; /* of status_store_follow() and status_store_write() */
    struct status_written written;
};

struct reporter {
    uv_loop_t *loop;
    uv_timer_t timer; /* its `data` is the reporter; runs while something waits for the next write */
    struct kept kept; /* what came since the rows of the write were taken */
    struct write write;
    bool writing, stopped;
    struct status_store *store; /* the thread's while one runs */
    uv_timer_t follow_timer;    /* its `data` is the reporter */
    struct follow_log follow_log, write_log;
    uint64_t connections, reports, results, written, refused;
    struct trouble unknown, undecodable, impossible, dropped;
};

static size_t waiting(const struct reporter *reporter)
{
    return reporter->kept.count + reporter->write.rows.count - reporter->write.done;
}

/* What came since, once all rows are written. */
static void take_rows(struct reporter *reporter)
{
    struct write *write = &reporter->write;
    if (write->done < write->rows.count)
        return;
    kept_free(&write->rows);
    write->rows = reporter->kept;
    write->done = 0;
    write->sorted = false;
    reporter->kept = (struct kept){0};
}

/* Not to a file that no other process sees. */
static void write_rows(struct reporter *reporter, int wait_ms)
{
    struct write *write = &reporter->write;
    if (!write->sorted)
        kept_sort(&write->rows);
    write->sorted = true;
    write->written = (struct status_written){0};
    write->followed = status_store_follow(reporter->store);
    write->rc = write->followed < 0 ? -1 : 0;
    if (write->rc == 0 && write->done < write->rows.count)
        write->rc = status_store_write(reporter->store, write->rows.rows + write->done,
                                       write->rows.count - write->done, wait_ms, &write->written);
}

static void count_written(struct reporter *reporter)
{
    struct write *write = &reporter->write;
    write->done += write->written.done;
    reporter->written += write->written.done - write->written.refused;
    reporter->refused += write->written.refused;
}

static void log_write(struct reporter *reporter)
{
    const struct write *write = &reporter->write;
    const char *error = status_store_error(reporter->store);
    follow_log(&reporter->follow_log, write->followed, error);
    if (write->followed > 0)
        log_line(LOG_LEVEL_WARNING, "the database was replaced: results go to the new one");
    follow_log_use(&reporter->write_log, write->followed < 0 ? 1 : write->rc, error);
}

static void on_work(uv_work_t *work)
{
    write_rows(work->data, BUSY_MS);
}

static void start_write(struct reporter *reporter);

static void on_timer(uv_timer_t *timer)
{
    start_write(timer->data);
}

static void on_written(uv_work_t *work, int status)
{
    (void)status;
    struct reporter *reporter = work->data;
    struct write *write = &reporter->write;
    reporter->writing = false;
    count_written(reporter);
    log_write(reporter);
    if (reporter->stopped || waiting(reporter) == 0)
        return;
    if (write->rc != 0)
        uv_timer_start(&reporter->timer, on_timer, RETRY_MS, 0);
    else if (write->done < write->rows.count || reporter->kept.count >= COMMIT_KEPT)
        start_write(reporter);
    else
        uv_timer_start(&reporter->timer, on_timer, COMMIT_MS, 0);
}

/* Also without rows: then it follows the database. */
static void start_write(struct reporter *reporter)
{
    if (reporter->writing)
        return;
    take_rows(reporter);
    uv_timer_stop(&reporter->timer);
    reporter->writing = uv_queue_work(reporter->loop, &reporter->write.work, on_work, on_written) == 0;
}

/* What is kept is written in time; after a failure it waits for the timer. A write that runs sees to it when it has
 * ended. */
static void see_to_write(struct reporter *reporter)
{
    if (reporter->writing)
        return;
    if (reporter->kept.count >= COMMIT_KEPT && reporter->write.rc == 0)
        start_write(reporter);
    else if (reporter->kept.count > 0 && !uv_is_active((uv_handle_t *)&reporter->timer))
        uv_timer_start(&reporter->timer, on_timer, COMMIT_MS, 0);
}

static void on_follow_timer(uv_timer_t *timer)
{
    start_write(timer->data);
}

static void on_status(void *arg, const struct status *status)
{
    struct reporter *reporter = arg;
    size_t before = reporter->write.rows.count - reporter->write.done;
    reporter->results++;
    if (kept_add(&reporter->kept, status, status_store_room(reporter->store) - before))
        return;
    reporter->dropped.count++;
    log_limited(&reporter->dropped.limit, LOG_LEVEL_WARNING,
                "dropped a result: %zu results wait for the database already", waiting(reporter));
}

static void receive_report(struct reporter *reporter, const struct peer *peer, const struct frame *frame)
{
    size_t impossible;
    if (report_decode(frame->body, frame->length, on_status, reporter, &impossible) != 0) {
        reporter->undecodable.count++;
        log_limited(&reporter->undecodable.limit, LOG_LEVEL_WARNING,
                    "skipped a report from %s: it does not decode", peer_name(peer));
        return;
    }
    reporter->reports++;
    if (impossible) {
        reporter->impossible.count += impossible;
        log_limited(&reporter->impossible.limit, LOG_LEVEL_WARNING,
                    "skipped %zu result%s from %s: address 0, or a port that is not from 1 to 65535",
                    impossible, number_plural(impossible), peer_name(peer));
    }
}

static const char *on_frame(void *arg, const struct frame *frame)
{
    struct client *client = arg;
    struct reporter *reporter = client->reporter;
    if (frame->id != MESSAGE_REPORT_STATUS_REQUEST) {
        reporter->unknown.count++;
        log_limited(&reporter->unknown.limit, LOG_LEVEL_WARNING,
                    "skipping unknown message id %" PRId32 " from %s", frame->id, peer_name(client->peer));
        return NULL;
    }
    receive_report(reporter, client->peer, frame);
    see_to_write(reporter);
    return NULL;
}

/* A report is never answered. */
static void on_fill(void *arg)
{
    (void)arg;
}

static void *on_open(void *arg, struct peer *peer)
{
    struct reporter *reporter = arg;
    struct client *client = malloc(sizeof(*client));
    if (!client)
        return NULL;
    *client = (struct client){.reporter = reporter, .peer = peer};
    reporter->connections++;
    return client;
}

static void on_close(void *arg)
{
    free(arg);
}

int reporter_start(struct reporter **out, uv_loop_t *loop, struct status_store *store)
{
    struct reporter *reporter = calloc(1, sizeof(*reporter));
    if (!reporter)
        return UV_ENOMEM;
    reporter->loop = loop;
    reporter->store = store;
    reporter->write.work.data = reporter;
    uv_timer_init(loop, &reporter->timer);
    reporter->timer.data = reporter;
    uv_timer_init(loop, &reporter->follow_timer);
    reporter->follow_timer.data = reporter;
    uv_timer_start(&reporter->follow_timer, on_follow_timer, 0, FOLLOW_MS);
    *out = reporter;
    return 0;
}

struct server_handler reporter_handler(struct reporter *reporter)
{
    return (struct server_handler){
        .open = on_open, .frame = on_frame, .fill = on_fill, .close = on_close, .arg = reporter};
}

void reporter_stop(struct reporter *reporter)
{
    reporter->stopped = true;
    uv_close((uv_handle_t *)&reporter->timer, NULL);
    uv_close((uv_handle_t *)&reporter->follow_timer, NULL);
}

/* Several writes, if one does not take all. */
static void write_all(struct reporter *reporter)
{
    uint64_t end = uv_hrtime() + UINT64_C(1000000) * LAST_BUSY_MS;
    do {
        take_rows(reporter);
        write_rows(reporter, LAST_BUSY_MS);
        count_written(reporter);
    } while (reporter->write.rc == 0 && waiting(reporter) > 0 && uv_hrtime() < end);
}

int reporter_finish(struct reporter *reporter)
{
    write_all(reporter);
    size_t lost = waiting(reporter);
    if (lost)
        log_line(LOG_LEVEL_ERROR, "%s; %zu result%s lost",
                 reporter->write.rc == 0 ? "the database was too slow" : status_store_error(reporter->store),
                 lost, lost == 1 ? " is" : "s are");
    log_line(LOG_LEVEL_INFO,
             "stopped after %" PRIu64 " connection%s, %" PRIu64 " report%s, %" PRIu64 " result%s, %" PRIu64
             " row%s written; skipped: %" PRIu64 " unknown message%s, %" PRIu64
             " report%s that cannot be decoded, %" PRIu64 " impossible result%s, %" PRIu64
             " dropped, %" PRIu64 " that the database does not take",
             reporter->connections, number_plural(reporter->connections), reporter->reports,
             number_plural(reporter->reports), reporter->results, number_plural(reporter->results),
             reporter->written, number_plural(reporter->written), reporter->unknown.count,
             number_plural(reporter->unknown.count), reporter->undecodable.count,
             number_plural(reporter->undecodable.count), reporter->impossible.count,
             number_plural(reporter->impossible.count), reporter->dropped.count, reporter->refused);
    return lost ? -1 : 0;
}

void reporter_free(struct reporter *reporter)
{
    if (!reporter)
        return;
    kept_free(&reporter->kept);
    kept_free(&reporter->write.rows);
    free(reporter);
}
