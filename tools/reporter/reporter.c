/* SPDX-License-Identifier: MIT */
#include "tools/reporter/reporter.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

#include "conf/log.h"
#include "conf/number.h"
#include "tools/common/follow.h"
#include "tools/reporter/report.h"

enum {
    COMMIT_MS = 100,                   /* from the first result that waits */
    COMMIT_KEPT = STATUS_KEPT_MAX / 2, /* so many do not wait for the timer */
    RETRY_MS = 500,                    /* after a commit that failed */
    FOLLOW_MS = 1000,
    BUSY_MS = 50,        /* another process's edit blocks the loop so long at most ... */
    LAST_BUSY_MS = 5000, /* ... and the end of the program so long */
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

struct reporter {
    uv_timer_t timer; /* its `data` is the reporter; runs while something is kept */
    struct status_store *store;
    bool store_failed;       /* and the log says so */
    uv_timer_t follow_timer; /* its `data` is the reporter */
    struct follow_log follow_log;
    uint64_t connections, reports, results, written;
    struct trouble unknown, undecodable, impossible, dropped;
};

static int follow(struct reporter *reporter)
{
    int rc = status_store_follow(reporter->store);
    follow_log(&reporter->follow_log, rc, status_store_error(reporter->store));
    if (rc > 0)
        log_line(LOG_LEVEL_WARNING, "the database was replaced: results go to the new one");
    return rc;
}

static void on_follow_timer(uv_timer_t *timer)
{
    follow(timer->data);
}

/* Not to a file that no other process sees. */
static int write_kept(struct reporter *reporter, int wait_ms)
{
    size_t kept = status_store_kept(reporter->store);
    int rc = follow(reporter) < 0 ? -1 : status_store_commit(reporter->store, wait_ms);
    if (rc == 0)
        reporter->written += kept;
    return rc;
}

static int commit(struct reporter *reporter)
{
    int rc = write_kept(reporter, BUSY_MS);
    if (rc != 0 && !reporter->store_failed && !reporter->follow_log.trouble[0])
        log_line(LOG_LEVEL_WARNING, "%s; trying again", status_store_error(reporter->store));
    if (rc == 0 && reporter->store_failed)
        log_line(LOG_LEVEL_INFO, "the database works again");
    reporter->store_failed = rc != 0;
    return rc;
}

static void on_timer(uv_timer_t *timer)
{
    if (commit(timer->data) != 0)
        uv_timer_start(timer, on_timer, RETRY_MS, 0);
}

static void on_status(void *arg, const struct status *status)
{
    struct reporter *reporter = arg;
    reporter->results++;
    if (status_store_keep(reporter->store, status) == 0)
        return;
    reporter->dropped.count++;
    log_limited(&reporter->dropped.limit, LOG_LEVEL_WARNING, "dropped a result: %s",
                status_store_error(reporter->store));
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
    if (status_store_kept(reporter->store) >= COMMIT_KEPT && !reporter->store_failed)
        commit(reporter);
    if (status_store_kept(reporter->store) > 0 && !uv_is_active((uv_handle_t *)&reporter->timer))
        uv_timer_start(&reporter->timer, on_timer, COMMIT_MS, 0);
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
    reporter->store = store;
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
    uv_close((uv_handle_t *)&reporter->timer, NULL);
    uv_close((uv_handle_t *)&reporter->follow_timer, NULL);
}

int reporter_finish(struct reporter *reporter)
{
    int rc = write_kept(reporter, LAST_BUSY_MS);
    if (rc != 0)
        log_line(LOG_LEVEL_ERROR, "%s; %zu results are lost", status_store_error(reporter->store),
                 status_store_kept(reporter->store));
    log_line(LOG_LEVEL_INFO,
             "stopped after %" PRIu64 " connection%s, %" PRIu64 " report%s, %" PRIu64 " result%s, %" PRIu64
             " row%s written; skipped: %" PRIu64 " unknown messages, %" PRIu64
             " reports that do not decode, %" PRIu64 " impossible results, %" PRIu64 " dropped",
             reporter->connections, number_plural(reporter->connections), reporter->reports,
             number_plural(reporter->reports), reporter->results, number_plural(reporter->results),
             reporter->written, number_plural(reporter->written), reporter->unknown.count,
             reporter->undecodable.count, reporter->impossible.count, reporter->dropped.count);
    return rc;
}

void reporter_free(struct reporter *reporter)
{
    free(reporter);
}
