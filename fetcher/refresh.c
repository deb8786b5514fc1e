/* SPDX-License-Identifier: MIT */
#include "fetcher/refresh.h"

#include <stdlib.h>
#include <string.h>

#include "fetcher/refresh_internal.h"
#include "shm/clock.h"

static void bytes_came(void *context)
{
    struct refresh *refresh = context;
    refresh->now = clock_tick();
    refresh->heard = refresh->now;
    refresh->heard_us = refresh_us();
}

/* Answers to requests reach waiting clients now, pushes at the next poll: so clients wake as often as they request. */
static void frames_taken(void *context)
{
    struct refresh *refresh = context;
    if (refresh->answered)
        writer_ring(refresh->writer);
    refresh->answered = false;
}

static void bad_frame_came(void *context)
{
    struct refresh *refresh = context;
    writer_count(refresh->writer, COUNTER_bad_frames, 1);
}

/* Another one may be behind the one before, and not tell. So may the first of a fetcher that has routes already: they are
 * from a fetcher before it, whose directory may have been another one. */
static void note_directory(struct refresh *refresh)
{
    const char *directory = connection_address(refresh->connection);
    if (refresh->subscriptions.count && strcmp(refresh->directory, directory) != 0)
        refresh->changed = refresh->now;
    strcpy(refresh->directory, directory);
}

/* Subscriptions ended with the old connection: every known route is requested again. */
static void connection_up(void *context)
{
    struct refresh *refresh = context;
    bytes_came(refresh);
    refresh_restart_requests(refresh);
    refresh_forget_version_row(refresh);
    note_directory(refresh);
    writer_count(refresh->writer, COUNTER_connects, 1);
}

static void connection_down(void *context)
{
    struct refresh *refresh = context;
    if (refresh->requests->count > 0 && !refresh->proved)
        refresh->unanswered = true;
    refresh_forget_requests(refresh);
    refresh_end_late_waits(refresh, true);
    refresh->behind = 0; /* for want of a connection */
    refresh->leave_at = 0;
    writer_gauge(refresh->writer, COUNTER_rate_reached, 0);
    writer_gauge(refresh->writer, COUNTER_directory_reached, 0);
    writer_count(refresh->writer, COUNTER_disconnects, 1);
}

static void connection_changed(void *context, enum connection_state state)
{
    struct refresh *refresh = context;
    if (state == CONNECTION_WAITING && writer_connection_state(refresh->writer) == CONNECTION_CONNECTING)
        writer_count(refresh->writer, COUNTER_connect_failures, 1);
    if (state != CONNECTION_WAITING)
        writer_set_directory(refresh->writer, connection_address(refresh->connection));
    writer_connection(refresh->writer, state, clock_tick());
}

const struct connection_role refresh_role = {
    .peer = "directory",
    .up = connection_up,
    .down = connection_down,
    .bytes = bytes_came,
    .frame = refresh_take_frame,
    .taken = frames_taken,
    .long_frame = refresh_take_long_frame,
    .bad_frame = bad_frame_came,
    .state = connection_changed,
};

void refresh_poll(struct refresh *refresh)
{
    refresh->now = clock_tick();
    writer_heartbeat(refresh->writer, refresh->now);
    writer_collect_uses(refresh->writer);
    refresh_enforce_deadlines(refresh);
    refresh_end_late_waits(refresh, false);
    refresh_follow_behind(refresh);
    refresh_hold_apply(refresh);
    refresh_end_holds(refresh);
    refresh_publish_late(refresh);
    refresh_forget_dropped(refresh);
    refresh_request_due(refresh);
    refresh_leave_unused(refresh);
    connection_flush(refresh->connection);
    refresh_gauge_requests(refresh);
}

bool refresh_quiet(const struct refresh *refresh)
{
    return writer_connection_state(refresh->writer) == CONNECTION_UP && refresh->requests->count == 0 &&
           refresh->resubscribe == refresh->subscriptions.count;
}

uint64_t refresh_demands(const struct refresh *refresh)
{
    return refresh->demands;
}

bool refresh_knocked(struct refresh *refresh)
{
    refresh->now = clock_tick();
    connection_hurry(refresh->connection);
    refresh_request_due(refresh);
    connection_flush(refresh->connection);
    refresh_gauge_requests(refresh);
    bool useful = refresh->demands != refresh->demands_at_knock;
    refresh->demands_at_knock = refresh->demands;
    return useful;
}

/* A route that the fetcher before this one held is requested again, and held again if the answer is the same. */
static void subscribe_all(struct refresh *refresh)
{
    struct route_ref route;
    for (uint32_t slot = 0; writer_next_route(refresh->writer, &slot, &route);) {
        subscriptions_add(&refresh->subscriptions, route.key);
        if (route_ref_is_held(&route))
            writer_set_held(refresh->writer, &route, 0);
    }
}

struct refresh *refresh_new(struct writer *writer, struct balance *balance, const struct config *config)
{
    struct refresh *refresh = calloc(1, sizeof(*refresh));
    if (!refresh)
        return NULL;
    refresh->writer = writer;
    refresh->balance = balance;
    refresh->config = config;
    holds_init(&refresh->holds);
    TAILQ_INIT(&refresh->waits);
    refresh->hold_limit.burst = refresh->hold_better_limit.burst = refresh->hold_over_limit.burst = LOG_BURST;
    refresh->requests = requests_new();
    if (!refresh->requests) {
        refresh_delete(refresh);
        return NULL;
    }
    refresh_hold_apply(refresh);
    subscribe_all(refresh);
    refresh_gauge_holds(refresh);
    return refresh;
}

void refresh_use(struct refresh *refresh, struct connection *connection)
{
    refresh->connection = connection;
}

void refresh_delete(struct refresh *refresh)
{
    if (!refresh)
        return;
    requests_delete(refresh->requests);
    subscriptions_free(&refresh->subscriptions);
    expired_free(&refresh->expired);
    holds_free(&refresh->holds);
    free(refresh);
}
