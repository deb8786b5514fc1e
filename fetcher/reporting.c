/* SPDX-License-Identifier: MIT */
#include "fetcher/reporting.h"

#include <stdlib.h>
#include <time.h>

#include "fetcher/connection.h"
#include "fetcher/decode.h"
#include "fetcher/round.h"
#include "shm/clock.h"

enum {
    QUIET_MS = 60000,      /* between two log lines that say that the service is away */
    URGENT_BURST = 100,    /* routes that are reported out of turn at once, ... */
    URGENT_EVERY_MS = 100, /* ... and then so often */
};

struct reporting {
    uv_loop_t *loop;
    struct writer *writer;
    struct balance *balance;
    const struct config *config;
    struct servers service;        /* the one in use */
    struct connection *connection; /* NULL: nothing to report yet, or no service configured */
    uint64_t connected;            /* tick */
    uint32_t own_address;          /* of this end of it */
    uint64_t identity;
    uint64_t round; /* tick from which the next one is an interval away, or up to two; 0: there was none yet */
    uint64_t urgent_next; /* tick; a burst may be so far ahead of it */
    struct route_key key; /* the route in hand */
    uint32_t count, sent;
    struct host_result results[HOSTS_MAX];
    uint8_t frame[FRAME_MAX];
};

static uint32_t interval_ms(const struct reporting *reporting)
{
    return reporting->config->report_interval * 1000;
}

static uint64_t round_place(const struct reporting *reporting, uint64_t tick)
{
    return round_from(tick, interval_ms(reporting), reporting->identity);
}

/* A service that was away is away for all machines: they do not come back to it in one moment. */
static void connection_up(void *context)
{
    struct reporting *reporting = context;
    reporting->connected = clock_tick();
    reporting->own_address = connection_own_ip(reporting->connection);
    if (reporting->round)
        reporting->round = round_place(reporting, reporting->connected) - interval_ms(reporting);
    balance_report_all(reporting->balance);
}

static const struct connection_role role = {
    .peer = "report service",
    .quiet_ms = QUIET_MS,
    .up = connection_up,
};

static void connect_to_peer(struct reporting *reporting)
{
    reporting->connection =
        connection_new(reporting->loop, &reporting->service, reporting->config, &role, reporting);
    if (reporting->connection)
        connection_start(reporting->connection);
}

static void follow_config(struct reporting *reporting)
{
    const struct config_servers wanted = {.count = 1, .list = {reporting->config->reporter}};
    bool moved = !servers_set(&reporting->service, &wanted, 0);
    if (!*wanted.list[0].ip)
        reporting_stop(reporting);
    else if (reporting->connection && moved)
        connection_redirect(reporting->connection);
    else if (!reporting->connection && writer_counter(reporting->writer, COUNTER_reports) > 0)
        connect_to_peer(reporting);
}

static bool round_due(const struct reporting *reporting, uint64_t now)
{
    return reporting->round == 0 || now >= round_place(reporting, reporting->round + interval_ms(reporting));
}

static void begin_round(struct reporting *reporting, uint64_t now)
{
    reporting->round = reporting->round == 0 ? now : round_place(reporting, now + 1) - interval_ms(reporting);
    balance_begin_round(reporting->balance);
}

/* Takes a route that is reported out of turn, if the rate allows it. */
static bool take_urgent(struct reporting *reporting, uint64_t now)
{
    if (now + URGENT_BURST * URGENT_EVERY_MS <= reporting->urgent_next ||
        !balance_next_results(reporting->balance, true, &reporting->key, reporting->results,
                              &reporting->count))
        return false;
    reporting->urgent_next = (now > reporting->urgent_next ? now : reporting->urgent_next) + URGENT_EVERY_MS;
    return true;
}

/* Makes sure that there is a route in hand. False: there is nothing to report now. */
static bool take_route(struct reporting *reporting, uint64_t now)
{
    while (reporting->sent == reporting->count) {
        reporting->sent = reporting->count = 0;
        if (!take_urgent(reporting, now) && !balance_next_results(reporting->balance, false, &reporting->key,
                                                                  reporting->results, &reporting->count))
            return false;
    }
    return true;
}

/* Sends the next frame of the route in hand. False: no room for it now. */
static bool send_next_frame(struct reporting *reporting, uint32_t unix_time)
{
    struct connection *connection = reporting->connection;
    uint32_t left = reporting->count - reporting->sent;
    const struct status_report report = {
        .key = reporting->key,
        .caller = reporting->config->caller ? reporting->config->caller : reporting->own_address,
        .time = unix_time,
        .results = reporting->results + reporting->sent,
        .count = left < RESULTS_PER_FRAME ? left : RESULTS_PER_FRAME,
    };
    if (connection_room(connection) < report_frame_max(report.count))
        connection_flush(connection);
    if (connection_room(connection) < report_frame_max(report.count))
        return false;
    connection_send(connection, reporting->frame, encode_report(&report, reporting->frame));
    reporting->sent += report.count;
    writer_count(reporting->writer, COUNTER_results_sent, 1);
    return true;
}

static void drop_if_stuck(struct reporting *reporting, uint64_t now)
{
    const struct config *config = reporting->config;
    uint64_t limit = (uint64_t)config->fetcher.request_timeout_ms + config->fetcher.probe_interval_ms;
    uint64_t since = connection_writing_since(reporting->connection);
    if (since && now > since + limit)
        connection_drop(reporting->connection, "not reading");
}

void reporting_poll(struct reporting *reporting, uint64_t now)
{
    const struct config *config = reporting->config;
    const uint32_t unix_time = (uint32_t)time(NULL);
    follow_config(reporting);
    if (!reporting->connection)
        return;
    drop_if_stuck(reporting, now);
    if (connection_room(reporting->connection) == 0)
        return;
    /* The service never answers. It proves itself by staying connected for longer than any backoff. */
    if (now > reporting->connected + config->fetcher.reconnect_max_ms)
        connection_proved(reporting->connection);
    if (round_due(reporting, now))
        begin_round(reporting, now);
    while (take_route(reporting, now) && send_next_frame(reporting, unix_time))
        continue;
    connection_flush(reporting->connection);
}

struct reporting *reporting_new(uv_loop_t *loop, struct writer *writer, struct balance *balance,
                                const struct config *config, uint64_t identity)
{
    struct reporting *reporting = calloc(1, sizeof(*reporting));
    if (!reporting)
        return NULL;
    reporting->loop = loop;
    reporting->writer = writer;
    reporting->balance = balance;
    reporting->config = config;
    reporting->identity = identity;
    return reporting;
}

void reporting_look_up_again(struct reporting *reporting)
{
    if (reporting->connection)
        connection_look_up_again(reporting->connection);
}

void reporting_stop(struct reporting *reporting)
{
    connection_stop(reporting->connection);
    reporting->connection = NULL;
}

void reporting_delete(struct reporting *reporting)
{
    free(reporting);
}
