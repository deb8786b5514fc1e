/* SPDX-License-Identifier: MIT */
#include "fetcher/refresh.h"

#include <inttypes.h>
#include <stdlib.h>

#include "conf/log.h"
#include "fetcher/decode.h"
#include "fetcher/hold_down.h"
#include "fetcher/refused.h"
#include "fetcher/requests.h"
#include "fetcher/shares.h"
#include "fetcher/subscriptions.h"
#include "fetcher/token_bucket.h"
#include "shm/clock.h"

enum {
    FLAGS_PER_POLL = 16384, /* at most */
    ANSWER_ASSUMED = 4096,  /* bytes of an answer for a route that is not known yet */
    IN_FLIGHT_MAX =
        4 << 20, /* bytes of answers that are waited for: the directory of Lars can queue some 8 MB in all */
};

struct refresh {
    struct writer *writer;
    struct balance *balance;
    const struct config *config;
    struct connection *connection;
    struct requests *requests;
    struct hold_down hold_down;
    struct subscriptions subscriptions;
    size_t resubscribe;   /* position in `subscriptions` of the next route to request again */
    uint64_t generation;  /* the one that `subscriptions` was last compared with */
    struct shares shares; /* of requests_per_second */
    struct token_bucket resubscribe_bucket; /* for requests of known routes, in addition */
    uint64_t behind; /* tick since which refreshes wait for their share; 0: they do not */
    uint64_t now;
    uint64_t heard;                  /* tick: something came from the directory */
    uint64_t unanswered;             /* tick of the first request since then; 0: none */
    struct route_key unanswered_key; /* its route */
    uint64_t probed;                 /* tick of the last probe */
    bool announced;                  /* max_frame, on this connection */
    struct log_limit kind_limit, decode_limit, host_limit, put_limit, hold_limit, long_limit, many_limit,
        rate_limit;
    struct refused refused;
    struct answer answer;
};

/* What is waited for is shared, too: a quarter is kept for new routes. */
static bool may_request(const struct refresh *refresh, enum share kind)
{
    const struct requests *requests = refresh->requests;
    uint32_t kept = kind == SHARE_NEW ? 0 : REQUESTS_MAX / 4;
    uint64_t bytes = kind == SHARE_NEW ? IN_FLIGHT_MAX : IN_FLIGHT_MAX / 4 * 3;
    return shares_has(&refresh->shares, kind) && requests_room(requests) > kept &&
           requests->waiting_bytes < bytes && connection_room(refresh->connection) >= REQUEST_MAX;
}

static uint32_t answer_bytes(const struct route_ref *route)
{
    uint32_t hosts = route_ref_count(route);
    return hosts ? FRAME_HEADER + FIELD_ROUTE_MAX + hosts * FIELD_HOST_MAX : ANSWER_ASSUMED;
}

static void gauge_pulling(struct refresh *refresh)
{
    writer_gauge(refresh->writer, COUNTER_pulling, refresh->requests->waiting.count);
}

/* To say it once is enough for larshm-dns; the directory of Lars does not know it. */
static uint32_t announce(struct refresh *refresh)
{
    uint32_t max_frame = (uint32_t)refresh->config->fetcher.max_frame;
    bool news = !refresh->announced && max_frame > FRAME_BODY_MAX;
    refresh->announced = true;
    return news ? max_frame : 0;
}

/* Rule 5: a key that has a request waiting is not requested again. */
static void request(struct refresh *refresh, const struct route_ref *route, enum share kind)
{
    uint8_t bytes[REQUEST_MAX];
    if (requests_waiting(refresh->requests, route->key) ||
        refused_lately(&refresh->refused, route->key, refresh->now))
        return;
    requests_add(refresh->requests, route->key, answer_bytes(route), refresh->now);
    writer_set_pulling(refresh->writer, route);
    connection_send(refresh->connection, bytes, encode_request(route->key, announce(refresh), bytes));
    shares_take(&refresh->shares, kind);
    if (refresh->unanswered == 0) {
        refresh->unanswered = refresh->now;
        refresh->unanswered_key = route->key;
    }
    writer_count(refresh->writer, COUNTER_requests, 1);
}

/* ---- from the directory ---- */

static bool is_cached(const void *writer, struct route_key key)
{
    const struct route_ref route = writer_find(writer, key);
    return route_ref_is_here(&route);
}

/* The route of a request that has no answer to wait for is NEW again. */
static void set_new(struct refresh *refresh, struct route_key key)
{
    const struct route_ref route = writer_find(refresh->writer, key);
    writer_set_new(refresh->writer, &route);
}

/* A new generation drops expired unknown keys; they must not come back as duplicates. */
static void forget_dropped(struct refresh *refresh)
{
    uint64_t generation = writer_generation(refresh->writer);
    if (generation == refresh->generation)
        return;
    refresh->generation = generation;
    subscriptions_filter(&refresh->subscriptions, is_cached, refresh->writer, &refresh->resubscribe);
}

static void gauge_hold_downs(struct refresh *refresh)
{
    writer_gauge(refresh->writer, COUNTER_held, refresh->hold_down.count);
}

/* Rule 3, later: true if the answer would empty a route, and is held back. */
static bool hold_back(struct refresh *refresh, const struct route_ref *route, const struct answer *answer)
{
    struct route_key key = route->key;
    uint64_t last;
    if (answer->count || refresh->config->fetcher.empty_hold == 0)
        return false;
    bool held = hold_down_last(&refresh->hold_down, key, &last);
    if (!held && route_ref_count(route) == 0)
        return false;
    if (!hold_down_add(&refresh->hold_down, key, refresh->now))
        return false;
    writer_set_new(refresh->writer, route);
    if (!held) {
        writer_set_held(refresh->writer, route, true);
        gauge_hold_downs(refresh);
        log_limited(&refresh->hold_limit, LOG_LEVEL_WARNING,
                    "route %" PRIu32 "/%" PRIu32 ": an answer without hosts is held back for %" PRIu32 " s",
                    key.modid, key.cmdid, refresh->config->fetcher.empty_hold);
    }
    return true;
}

static void end_hold_down(struct refresh *refresh, const struct route_ref *route)
{
    if (!hold_down_end(&refresh->hold_down, route->key))
        return;
    writer_set_held(refresh->writer, route, false);
    gauge_hold_downs(refresh);
}

/* Once all are requested again, a new one does not have to be: this connection has just answered it. */
static void subscribe(struct refresh *refresh, struct route_key key)
{
    bool all_done = refresh->resubscribe == refresh->subscriptions.count;
    if (subscriptions_add(&refresh->subscriptions, key) && all_done)
        refresh->resubscribe++;
}

/* Rules 2 and 3. */
static void publish(struct refresh *refresh, struct route_ref *route, const struct answer *answer)
{
    bool was_cached = route_ref_is_here(route), changed;
    forget_dropped(refresh);
    end_hold_down(refresh, route);
    const uint64_t *masks = balance_masks(refresh->balance, route->key, answer->hosts, answer->count);
    enum shm_status status = writer_put(refresh->writer, route, answer->hosts, answer->count, masks,
                                        refresh->config->loadbalance.update_timeout, refresh->now, &changed);
    if (changed)
        balance_table_changed(refresh->balance, route);
    if (status == SHM_OK && !was_cached)
        subscribe(refresh, route->key);
    if (status == SHM_FULL)
        log_limited(&refresh->put_limit, LOG_LEVEL_WARNING,
                    "no room for route %" PRIu32 "/%" PRIu32 ": raise [shm] %s", route->key.modid,
                    route->key.cmdid, answer->count ? "max_bytes" : "max_unknown or max_bytes");
}

static void bytes_came(void *context)
{
    struct refresh *refresh = context;
    refresh->now = clock_tick();
    refresh->heard = refresh->now;
    refresh->unanswered = 0;
}

/* Refuses an answer whole: the route stays as it is, NEW, and is not requested for a while. */
static void refuse(struct refresh *refresh, struct route_key key)
{
    refused_add(&refresh->refused, key, refresh->now);
    requests_answered(refresh->requests, key);
    set_new(refresh, key);
    gauge_pulling(refresh);
}

static void long_frame_came(void *context, const struct frame *frame)
{
    struct refresh *refresh = context;
    struct route_key key;
    uint32_t start = frame->length < FRAME_START ? frame->length : FRAME_START;
    bool named = frame->id == MESSAGE_GET_ROUTE_RESPONSE && decode_route(frame->body, start, &key);
    writer_count(refresh->writer, COUNTER_long_frames, 1);
    if (!named) {
        log_limited(&refresh->long_limit, LOG_LEVEL_WARNING,
                    "skipping a message of %" PRIu32 " bytes: more than [fetcher] max_frame", frame->length);
        return;
    }
    refuse(refresh, key);
    log_limited(&refresh->long_limit, LOG_LEVEL_WARNING,
                "route %" PRIu32 "/%" PRIu32 ": skipping an answer of %" PRIu32
                " bytes, its hosts stay as they are: raise [fetcher] max_frame",
                key.modid, key.cmdid, frame->length);
}

static void refuse_crowded(struct refresh *refresh, struct route_key key)
{
    refuse(refresh, key);
    writer_count(refresh->writer, COUNTER_crowded_answers, 1);
    log_limited(&refresh->many_limit, LOG_LEVEL_WARNING,
                "route %" PRIu32 "/%" PRIu32
                ": refusing an answer of more than %d hosts, its hosts stay as they are: "
                "split the route, or remove hosts",
                key.modid, key.cmdid, HOSTS_MAX);
}

static void frame_came(void *context, const struct frame *frame)
{
    struct refresh *refresh = context;
    struct answer *answer = &refresh->answer;
    if (frame->id != MESSAGE_GET_ROUTE_RESPONSE) {
        writer_count(refresh->writer, COUNTER_unknown_messages, 1);
        log_limited(&refresh->kind_limit, LOG_LEVEL_WARNING, "skipping unknown message id %" PRId32,
                    frame->id);
        return;
    }
    enum decode_result result = decode_answer(frame->body, frame->length, answer);
    if (result == DECODE_TOO_MANY) {
        refuse_crowded(refresh, answer->key);
        return;
    }
    if (result != DECODE_OK) {
        writer_count(refresh->writer, COUNTER_bad_answers, 1);
        log_limited(&refresh->decode_limit, LOG_LEVEL_WARNING,
                    "ignoring an answer of %" PRIu32 " bytes: it does not decode, or has no usable host",
                    frame->length);
        return;
    }
    connection_proved(refresh->connection);
    writer_count(refresh->writer, COUNTER_answers, 1);
    if (answer->unusable) {
        writer_count(refresh->writer, COUNTER_unusable_hosts, answer->unusable);
        log_limited(&refresh->host_limit, LOG_LEVEL_WARNING,
                    "route %" PRIu32 "/%" PRIu32 ": %" PRIu32 " hosts dropped: no usable address or port",
                    answer->key.modid, answer->key.cmdid, answer->unusable);
    }
    refused_remove(&refresh->refused, answer->key);
    bool requested = requests_answered(refresh->requests, answer->key);
    if (!requested)
        writer_count(refresh->writer, COUNTER_pushes, 1);
    /* An unrequested answer for a route that does not exist and is not cached: nothing to remember. */
    struct route_ref route = writer_find(refresh->writer, answer->key);
    bool matters = requested || answer->count || route_ref_is_here(&route);
    if (matters && !hold_back(refresh, &route, answer))
        publish(refresh, &route, answer);
    gauge_pulling(refresh);
}

static void bad_frame_came(void *context)
{
    struct refresh *refresh = context;
    writer_count(refresh->writer, COUNTER_bad_frames, 1);
}

/* Rule 6, and every known route is requested again: subscriptions ended with the old connection. */
static void connection_up(void *context)
{
    struct refresh *refresh = context;
    struct route_key key;
    bool waiting;
    while (requests_take(refresh->requests, &key, &waiting))
        if (waiting)
            set_new(refresh, key);
    gauge_pulling(refresh);
    refresh->now = clock_tick();
    refresh->heard = refresh->now;
    refresh->unanswered = 0;
    refresh->resubscribe = 0;
    refresh->announced = false;
    refresh->shares = (struct shares){.filled = refresh->now};
    refresh->resubscribe_bucket = (struct token_bucket){.filled = refresh->now};
    refresh->behind = 0;
    writer_count(refresh->writer, COUNTER_connects, 1);
}

static void connection_down(void *context)
{
    struct refresh *refresh = context;
    refresh->unanswered = 0; /* or the next attempt to connect would be dropped for it */
    refresh->behind = 0;     /* for want of a connection, not of a share */
    writer_gauge(refresh->writer, COUNTER_rate_reached, 0);
    writer_count(refresh->writer, COUNTER_disconnects, 1);
}

static void connection_changed(void *context, enum connection_state state)
{
    struct refresh *refresh = context;
    if (state == CONNECTION_WAITING && writer_connection_state(refresh->writer) == CONNECTION_CONNECTING)
        writer_count(refresh->writer, COUNTER_connect_failures, 1);
    writer_connection(refresh->writer, state, clock_tick());
}

const struct connection_role refresh_role = {
    .peer = "directory",
    .up = connection_up,
    .down = connection_down,
    .bytes = bytes_came,
    .frame = frame_came,
    .long_frame = long_frame_came,
    .bad_frame = bad_frame_came,
    .state = connection_changed,
};

/* ---- at each poll ---- */

static void publish_late(struct refresh *refresh)
{
    struct route_ref route;
    while (writer_next_late(refresh->writer, refresh->now, &route))
        balance_table_changed(refresh->balance, &route);
}

/* A lost answer leaves no route PULLING. A late one is accepted for as long again as a silent directory is kept. */
static void enforce_deadlines(struct refresh *refresh)
{
    uint64_t timeout = refresh->config->fetcher.request_timeout_ms;
    uint64_t silence_limit = timeout + refresh->config->fetcher.probe_interval_ms;
    struct route_key key;
    while (refresh->now > timeout && requests_time_out(refresh->requests, refresh->now - timeout, &key)) {
        set_new(refresh, key);
        writer_count(refresh->writer, COUNTER_timeouts, 1);
    }
    if (refresh->now > timeout + silence_limit)
        requests_forget_late(refresh->requests, refresh->now - timeout - silence_limit);
    if (refresh->unanswered && refresh->now > refresh->unanswered + silence_limit)
        connection_drop(refresh->connection, "no response");
}

/* Ends hold-downs whose time is over, oldest first. */
static void end_hold_downs(struct refresh *refresh)
{
    uint64_t limit = refresh->config->fetcher.empty_hold * UINT64_C(1000);
    struct route_key key;
    while (refresh->now >= limit && hold_down_oldest(&refresh->hold_down, refresh->now - limit, &key)) {
        log_limited(&refresh->hold_limit, LOG_LEVEL_WARNING,
                    "route %" PRIu32 "/%" PRIu32
                    ": no hosts within empty_hold, publishing the answer without hosts",
                    key.modid, key.cmdid);
        struct route_ref route = writer_find(refresh->writer, key);
        refresh->answer.count = 0;
        publish(refresh, &route, &refresh->answer);
    }
}

/* A table in hold-down looks as old as its hosts are, but an answer has come since. */
static bool answered_lately(const struct refresh *refresh, struct route_key key)
{
    uint64_t last;
    return hold_down_last(&refresh->hold_down, key, &last) &&
           refresh->now <= last + refresh->config->loadbalance.update_timeout * UINT64_C(1000);
}

/* Refreshes wait for their share all the time, for longer than a route may be old: more are in use than the rate allows. */
static void judge_rate(struct refresh *refresh, bool all_done, bool some_done)
{
    uint64_t limit = refresh->config->loadbalance.update_timeout * UINT64_C(1000);
    if (all_done)
        refresh->behind = 0;
    else if (some_done && !shares_has(&refresh->shares, SHARE_REFRESH) && refresh->behind == 0)
        refresh->behind = refresh->now;
    bool reached = refresh->behind && refresh->now > refresh->behind + limit;
    if (reached == (writer_counter(refresh->writer, COUNTER_rate_reached) != 0))
        return;
    writer_gauge(refresh->writer, COUNTER_rate_reached, reached);
    if (reached)
        log_limited(&refresh->rate_limit, LOG_LEVEL_WARNING,
                    "more routes are in use than can be refreshed within update_timeout: raise [fetcher] "
                    "requests_per_second, or [loadbalance] update_timeout");
}

/* Rule 4. A flag proves nothing: any client can raise it. */
static void request_flagged(struct refresh *refresh)
{
    struct route_ref route;
    struct flag_round round = writer_flags_begin(refresh->writer);
    bool all_done = false, some_done = false;
    for (int i = 0; i < FLAGS_PER_POLL && !all_done && may_request(refresh, SHARE_REFRESH); i++) {
        all_done = !writer_flags_next(refresh->writer, &round, &route);
        if (!all_done && route_ref_is_expired(&route, refresh->now) && !answered_lately(refresh, route.key)) {
            request(refresh, &route, SHARE_REFRESH);
            some_done = true;
        }
    }
    writer_flags_end(refresh->writer, &round);
    if (connection_room(refresh->connection) > 0)
        judge_rate(refresh, all_done, some_done);
}

/* Rule 1. */
static void request_missed(struct refresh *refresh)
{
    struct route_key key;
    if (!may_request(refresh, SHARE_NEW))
        return;
    struct miss_round round = writer_misses_begin(refresh->writer);
    while (may_request(refresh, SHARE_NEW) && miss_round_next(&round, &key)) {
        const struct route_ref route = writer_find(refresh->writer, key);
        if (!route_key_is_none(key) && !route_ref_is_here(&route))
            request(refresh, &route, SHARE_NEW);
    }
    writer_misses_end(refresh->writer, &round);
}

static void resubscribe(struct refresh *refresh)
{
    token_bucket_fill(&refresh->resubscribe_bucket, refresh->config->fetcher.resubscribe_per_second,
                      refresh->now);
    while (refresh->resubscribe < refresh->subscriptions.count && refresh->resubscribe_bucket.tokens >= 1 &&
           may_request(refresh, SHARE_RESUBSCRIBE)) {
        struct route_ref route =
            writer_find(refresh->writer, refresh->subscriptions.keys[refresh->resubscribe++]);
        if (route_ref_state(&route) == ROUTE_NEW) {
            request(refresh, &route, SHARE_RESUBSCRIBE);
            refresh->resubscribe_bucket.tokens -= 1;
        }
    }
}

/* Also while a request is not answered: a directory may have no answer for that one route, and be well. */
static bool probe_due(const struct refresh *refresh)
{
    uint64_t timeout = refresh->config->fetcher.request_timeout_ms;
    return refresh->unanswered
               ? refresh->now >= refresh->unanswered + timeout && refresh->now >= refresh->probed + timeout
               : refresh->now >= refresh->heard + refresh->config->fetcher.probe_interval_ms;
}

/* The protocol has no ping: after a silence some known route is requested, to see whether the directory is there. */
static void probe_silence(struct refresh *refresh)
{
    if (refresh->subscriptions.count == 0 || !may_request(refresh, SHARE_RESUBSCRIBE) || !probe_due(refresh))
        return;
    refresh->probed = refresh->now;
    const struct route_ref route = writer_find(
        refresh->writer, refresh->subscriptions.keys[refresh->now % refresh->subscriptions.count]);
    bool is_other = !refresh->unanswered || !route_key_equal(route.key, refresh->unanswered_key);
    if (is_other && route_ref_state(&route) == ROUTE_NEW)
        request(refresh, &route, SHARE_RESUBSCRIBE);
}

void refresh_poll(struct refresh *refresh)
{
    refresh->now = clock_tick();
    writer_heartbeat(refresh->writer, refresh->now);
    enforce_deadlines(refresh);
    end_hold_downs(refresh);
    publish_late(refresh);
    /* While the directory is away flags and misses stay where clients put them. */
    shares_fill(&refresh->shares, refresh->config->fetcher.requests_per_second,
                writer_refusing(refresh->writer), refresh->now);
    request_missed(refresh);
    request_flagged(refresh);
    resubscribe(refresh);
    probe_silence(refresh);
    connection_flush(refresh->connection);
    gauge_pulling(refresh);
}

/* A route in the previous fetcher's hold-down is requested again, so its hold-down ends. */
static void subscribe_all(struct refresh *refresh)
{
    struct route_ref route;
    for (uint32_t slot = 0; writer_next_route(refresh->writer, &slot, &route);) {
        subscriptions_add(&refresh->subscriptions, route.key);
        if (route_ref_is_held(&route))
            writer_set_held(refresh->writer, &route, false);
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
    hold_down_init(&refresh->hold_down);
    refresh->requests = requests_new();
    if (!refresh->requests) {
        refresh_delete(refresh);
        return NULL;
    }
    subscribe_all(refresh);
    gauge_hold_downs(refresh);
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
    hold_down_free(&refresh->hold_down);
    free(refresh);
}
