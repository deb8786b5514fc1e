/* SPDX-License-Identifier: MIT */
/* Requests to the directory: rules 1, 4 and 5, within rates and limits; and deadlines, resubscription, probes. */
#include "fetcher/patience.h"
#include "fetcher/refresh_internal.h"
#include "fetcher/resubscribe.h"

enum {
    FLAGS_PER_POLL = 16384, /* at most */
    COLLECT_MS = 100,
    ANSWER_ASSUMED = 4096,   /* bytes of an answer for a route that is not known yet */
    IN_FLIGHT_MAX = 4 << 20, /* bytes of all answers under way: Lars' directory can queue some 8 MB */
};

/* What is waited for is shared, too: a quarter is kept for new routes, and a quarter for known ones. */
static bool may_request(const struct refresh *refresh, enum share kind)
{
    const struct requests *requests = refresh->requests;
    bool is_new = kind == SHARE_NEW;
    uint32_t most = window_size(&refresh->window),
             same_count = is_new ? requests->new_count : requests->count - requests->new_count;
    uint64_t same_bytes = is_new ? requests->new_bytes : requests->bytes - requests->new_bytes;
    return shares_has(&refresh->shares, kind) && requests->count < most && same_count < most - most / 4 &&
           requests->bytes < IN_FLIGHT_MAX && same_bytes < IN_FLIGHT_MAX - IN_FLIGHT_MAX / 4 &&
           connection_room(refresh->connection) >= REQUEST_MAX;
}

static uint32_t answer_bytes(const struct route_ref *route)
{
    uint32_t hosts = route_ref_count(route);
    return hosts ? FRAME_HEADER + FIELD_ROUTE_MAX + hosts * FIELD_HOST_MAX : ANSWER_ASSUMED;
}

void refresh_gauge_requests(struct refresh *refresh)
{
    const uint32_t count = refresh->requests->count;
    writer_gauge(refresh->writer, COUNTER_pulling, count);
    writer_gauge(refresh->writer, COUNTER_unanswered, refresh->unanswered && count > 0);
}

/* Said once on each connection: larshm-dns keeps it, and the directory of Lars ignores it. */
static uint32_t announce(struct refresh *refresh)
{
    uint32_t max_frame = (uint32_t)refresh->config->fetcher.max_frame;
    bool news = !refresh->announced && max_frame > FRAME_BODY_MAX;
    refresh->announced = true;
    return news ? max_frame : 0;
}

/* Rule 5: a key that has a request outstanding is not requested again. */
static void request(struct refresh *refresh, const struct route_ref *route, enum share kind)
{
    uint8_t bytes[REQUEST_MAX];
    if (requests_has(refresh->requests, route->key) ||
        refused_lately(&refresh->refused, route->key, refresh->now))
        return;
    const struct request_time now = {refresh->now, refresh_us()};
    requests_add(refresh->requests, route->key, answer_bytes(route), kind == SHARE_NEW, now);
    writer_set_pulling(refresh->writer, route);
    connection_send(refresh->connection, bytes, encode_request(route->key, announce(refresh), bytes));
    shares_take(&refresh->shares, kind);
    refresh->demands += kind != SHARE_RESUBSCRIBE;
    writer_count(refresh->writer, COUNTER_requests, 1);
}

void refresh_set_new(struct refresh *refresh, struct route_key key)
{
    const struct route_ref route = writer_find(refresh->writer, key);
    writer_set_new(refresh->writer, &route);
}

void refresh_forget_requests(struct refresh *refresh)
{
    struct route_key key;
    while (requests_take(refresh->requests, &key))
        refresh_set_new(refresh, key);
    refresh_gauge_requests(refresh);
}

void refresh_restart_requests(struct refresh *refresh)
{
    requests_clear(refresh->requests);
    window_init(&refresh->window);
    refresh->resubscribe_from = refresh->last_answer = refresh->now;
    refresh->resubscribe = 0;
    refresh->announced = refresh->proved = false;
    refresh->left = (struct key_sketch){0};
    refresh->shares = (struct shares){.filled = refresh->now};
    refresh->resubscribe_bucket = (struct token_bucket){.filled = refresh->now};
    refresh->behind = 0;
}

/*
 * A lost answer leaves no route PULLING, a late one is waited for: see requests.h. Where the directory has dropped
 * everything, it is silent, or answers nothing for long; then the connection ends, and with it all that was requested.
 */
void refresh_enforce_deadlines(struct refresh *refresh)
{
    struct requests *requests = refresh->requests;
    uint64_t now = refresh->now, timeout = refresh->config->fetcher.request_timeout_ms;
    struct route_key key;
    while (now > timeout && requests_time_out(requests, now - timeout))
        writer_count(refresh->writer, COUNTER_timeouts, 1);
    while (requests_lost(requests, timeout, &key))
        refresh_set_new(refresh, key);
    if (requests->count == 0)
        return;
    const struct waiting waiting = {
        .oldest = requests_oldest(requests), .heard = refresh->heard, .answer = refresh->last_answer};
    if (now > waiting.oldest + timeout && now > waiting.answer + timeout)
        refresh->unanswered = true;
    const char *why = patience_over(&waiting, timeout, refresh->config->fetcher.probe_interval_ms,
                                    connection_patience(refresh->connection), now);
    if (why)
        connection_drop(refresh->connection, why);
}

/* A table of a held route looks as old as its hosts are, but an answer has come since. */
static bool answered_lately(const struct refresh *refresh, struct route_key key)
{
    const struct hold *hold = holds_find(&refresh->holds, key);
    return hold &&
           refresh->now <= hold->answered + refresh->config->loadbalance.update_timeout * UINT64_C(1000);
}

static bool set_reached(struct refresh *refresh, enum shm_counter gauge, bool reached)
{
    bool news = reached != (writer_counter(refresh->writer, gauge) != 0);
    if (news)
        writer_gauge(refresh->writer, gauge, reached);
    return news && reached;
}

/*
 * Where refreshes wait all the time, for longer than update_timeout, more routes are in use than can be refreshed: at this
 * rate, or by this directory, which has as many requests as it may, or does not read.
 */
static void judge_refreshes(struct refresh *refresh, bool all_done, bool some_done)
{
    uint64_t limit = refresh->config->loadbalance.update_timeout * UINT64_C(1000);
    bool for_share = !shares_has(&refresh->shares, SHARE_REFRESH);
    bool for_directory = !for_share && !may_request(refresh, SHARE_REFRESH);
    if (all_done)
        refresh->behind = 0;
    else if (refresh->behind == 0 && (for_directory || (for_share && some_done))) {
        refresh->behind = refresh->now;
        refresh->for_directory = 0;
    }
    refresh->for_directory += for_directory - for_share;
    bool reached = refresh->behind && refresh->now > refresh->behind + limit;
    bool by_directory = refresh->for_directory > 0;
    if (set_reached(refresh, COUNTER_rate_reached, reached && !by_directory))
        log_limited(&refresh->rate_limit, LOG_LEVEL_WARNING,
                    "more routes are in use than can be refreshed within update_timeout: raise [fetcher] "
                    "requests_per_second, or [loadbalance] update_timeout");
    if (set_reached(refresh, COUNTER_directory_reached, reached && by_directory))
        log_limited(
            &refresh->rate_limit, LOG_LEVEL_WARNING,
            "more routes are in use than the directory answers within update_timeout: raise [loadbalance] "
            "update_timeout, or let fewer machines share a directory");
}

static bool is_due(const struct refresh *refresh, uint32_t slot, struct route_ref *out)
{
    return writer_route_at(refresh->writer, slot, out) && route_ref_is_expired(out, refresh->now) &&
           !answered_lately(refresh, out->key);
}

/* Slots of another generation mean nothing, and their flags are gone with it. Without memory flags stay where they are. */
static bool follow_generation(struct refresh *refresh)
{
    uint64_t generation = writer_generation(refresh->writer);
    if (generation == refresh->expired_generation)
        return true;
    if (!expired_reset(&refresh->expired, writer_slot_count(refresh->writer)))
        return false;
    refresh->expired_generation = generation;
    return true;
}

/*
 * A flag proves nothing: any client can raise it. A route that waits here is NEW, and each lookup raises its flag again;
 * so where some wait, flags are collected now and then only.
 */
static void collect_flags(struct refresh *refresh)
{
    uint32_t slot;
    if (!follow_generation(refresh) ||
        (refresh->expired.count && refresh->now < refresh->collected + COLLECT_MS))
        return;
    struct flag_round round = writer_flags_begin(refresh->writer);
    bool more = true;
    for (int i = 0; i < FLAGS_PER_POLL && (more = flag_round_next(&round, &slot)); i++) {
        struct route_ref route;
        refresh_see_use(refresh, slot);
        if (!expired_has(&refresh->expired, slot) && is_due(refresh, slot, &route))
            expired_add(&refresh->expired, slot);
    }
    writer_flags_end(refresh->writer, &round);
    if (!more)
        refresh->collected = refresh->now;
}

/* Rule 4. */
static void request_expired(struct refresh *refresh)
{
    struct route_ref route;
    uint32_t slot;
    bool some_done = false;
    collect_flags(refresh);
    for (int i = 0;
         i < FLAGS_PER_POLL && may_request(refresh, SHARE_REFRESH) && expired_take(&refresh->expired, &slot);
         i++)
        if (is_due(refresh, slot, &route) && !refresh_is_leaving(refresh, &route)) {
            request(refresh, &route, SHARE_REFRESH);
            some_done = true;
        }
    judge_refreshes(refresh, refresh->expired.count == 0, some_done);
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
        if (!route_key_is_none(key) && !route_ref_is_here(&route) && !refresh_is_version_row(refresh, key))
            request(refresh, &route, SHARE_NEW);
    }
    writer_misses_end(refresh->writer, &round);
}

/* By operators. A request that is under way is theirs, too. */
static void request_awaited(struct refresh *refresh)
{
    const struct refresh_wait *wait;
    TAILQ_FOREACH(wait, &refresh->waits, link) {
        const struct route_ref route = writer_find(refresh->writer, wait->key);
        if (may_request(refresh, SHARE_REFRESH))
            request(refresh, &route, SHARE_REFRESH);
    }
}

/* What was answered on this connection, since it was in use or had changed, is subscribed to. */
static bool is_unsubscribed(const struct refresh *refresh, const struct route_ref *route)
{
    return route_ref_state(route) == ROUTE_NEW && table_fetched(&route->table) <= refresh->resubscribe_from;
}

static void resubscribe(struct refresh *refresh)
{
    token_bucket_fill(
        &refresh->resubscribe_bucket,
        resubscribe_rate(refresh->subscriptions.count, refresh->config->fetcher.resubscribe_per_second),
        refresh->now);
    for (int i = 0; i < FLAGS_PER_POLL && refresh->resubscribe < refresh->subscriptions.count &&
                    refresh->resubscribe_bucket.tokens >= 1 && may_request(refresh, SHARE_RESUBSCRIBE);
         i++) {
        const struct route_key key = refresh->subscriptions.keys[refresh->resubscribe++];
        const struct route_ref route = writer_find(refresh->writer, key);
        if (is_unsubscribed(refresh, &route) && !refresh_is_leaving(refresh, &route)) {
            request(refresh, &route, SHARE_RESUBSCRIBE);
            refresh->resubscribe_bucket.tokens -= 1;
        }
    }
}

/* From the share that is kept for routes which are requested again. */
static void request_held(struct refresh *refresh)
{
    struct hold *hold;
    while (may_request(refresh, SHARE_RESUBSCRIBE) &&
           (hold = holds_due(&refresh->holds, HOLD_REQUESTS, refresh->now))) {
        const struct route_ref route = writer_find(refresh->writer, hold->key);
        request(refresh, &route, SHARE_RESUBSCRIBE);
        refresh_hold_wait(refresh, hold);
    }
}

/* Also when nothing was requested since a request that is late: the answer to another one shows that it is lost. */
static bool probe_due(const struct refresh *refresh)
{
    const struct config *config = refresh->config;
    return refresh->requests->count
               ? refresh->now >= requests_youngest(refresh->requests) + config->fetcher.request_timeout_ms
               : refresh->now >= refresh->heard + config->fetcher.probe_interval_ms;
}

/* The protocol has no ping: after a silence some known route is requested, to see whether the directory is there. */
static void probe_silence(struct refresh *refresh)
{
    if (refresh->subscriptions.count == 0 || !may_request(refresh, SHARE_RESUBSCRIBE) || !probe_due(refresh))
        return;
    const struct route_ref route = writer_find(
        refresh->writer, refresh->subscriptions.keys[refresh->now % refresh->subscriptions.count]);
    if (route_ref_state(&route) == ROUTE_NEW && !refresh_is_leaving(refresh, &route))
        request(refresh, &route, SHARE_RESUBSCRIBE);
}

/* Before all others, whatever their shares are. */
static void request_version_row(struct refresh *refresh)
{
    const struct route_ref route = writer_find(refresh->writer, route_key(UINT32_MAX, 0));
    if (!refresh_version_row_due(refresh) || connection_room(refresh->connection) < REQUEST_MAX)
        return;
    request(refresh, &route, SHARE_RESUBSCRIBE);
    refresh_version_row_requested(refresh);
}

/* While the directory is away flags and misses stay where clients put them. */
void refresh_request_due(struct refresh *refresh)
{
    if (writer_connection_state(refresh->writer) != CONNECTION_UP)
        return;
    shares_fill(&refresh->shares, refresh->config->fetcher.requests_per_second,
                writer_refusing(refresh->writer), refresh->now);
    request_version_row(refresh);
    request_awaited(refresh);
    request_missed(refresh);
    request_expired(refresh);
    resubscribe(refresh);
    request_held(refresh);
    probe_silence(refresh);
}
