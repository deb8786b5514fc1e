/* SPDX-License-Identifier: MIT */
/* Answers and pushes of the directory: rules 2 and 3, what is held back, and what is refused. */
#include <inttypes.h>

#include "conf/number.h"
#include "fetcher/refresh_internal.h"
#include "shm/clock.h"

/* Once all are requested again, a new one does not have to be: this connection has just answered it. */
static void subscribe(struct refresh *refresh, struct route_key key)
{
    bool all_done = refresh->resubscribe == refresh->subscriptions.count;
    if (subscriptions_add(&refresh->subscriptions, key) && all_done)
        refresh->resubscribe++;
}

/* How an answer differs from the table that it is about to replace. */
static struct refresh_outcome compare(const struct route_ref *route, const struct answer *answer)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < answer->count; i++)
        kept += route_ref_find_host(route, answer->hosts[i]) != HOST_NONE;
    struct refresh_outcome outcome = {
        .hosts = answer->count, .added = answer->count - kept, .removed = route_ref_count(route) - kept};
    outcome.result = answer->count == 0                 ? REFRESH_NONE
                     : route_ref_count(route) == 0      ? REFRESH_CACHED
                     : outcome.added || outcome.removed ? REFRESH_CHANGED
                                                        : REFRESH_UNCHANGED;
    return outcome;
}

static void end_waits(struct refresh *refresh, struct route_key key, enum refresh_result result)
{
    refresh_end_waits(refresh, key, &(struct refresh_outcome){.result = result});
}

/* Rules 2 and 3. */
static void publish(struct refresh *refresh, struct route_ref *route, const struct answer *answer)
{
    bool was_cached = route_ref_is_here(route), changed;
    const bool awaited = refresh_is_awaited(refresh, route->key);
    struct refresh_outcome outcome = awaited ? compare(route, answer) : (struct refresh_outcome){0};
    refresh_forget_before(refresh, route);
    refresh_hold_end(refresh, route);
    const uint64_t *states = balance_states(refresh->balance, route->key, answer->hosts, answer->count);
    enum shm_status status = writer_put(refresh->writer, route, answer->hosts, answer->count, states,
                                        refresh->config->loadbalance.update_timeout, refresh->now, &changed);
    if (changed)
        balance_table_changed(refresh->balance, route);
    if (status == SHM_OK && !was_cached)
        subscribe(refresh, route->key);
    if (status == SHM_OK && (!was_cached || awaited))
        refresh_see_use(refresh, route->slot);
    else if (status == SHM_OK)
        unused_keep_expired(&refresh->unused, refresh->writer, route, refresh->now);
    if (status == SHM_FULL)
        log_limited(&refresh->put_limit, LOG_LEVEL_WARNING,
                    "no room for route %" PRIu32 "/%" PRIu32 ": raise [shm] %s", route->key.modid,
                    route->key.cmdid, answer->count ? "max_bytes" : "max_unknown or max_bytes");
    if (awaited && (status != SHM_OK || (!changed && (outcome.added || outcome.removed))))
        outcome.result = REFRESH_NO_ROOM;
    refresh_end_waits(refresh, route->key, &outcome);
}

/* An answer that is not held back. */
static void believe(struct refresh *refresh, struct route_ref *route, const struct answer *answer)
{
    if (holds_find(&refresh->holds, route->key))
        log_limited(&refresh->hold_better_limit, LOG_LEVEL_INFO,
                    "route %" PRIu32 "/%" PRIu32 ": an answer of %" PRIu32 " host%s ends the hold",
                    route->key.modid, route->key.cmdid, answer->count, number_plural(answer->count));
    publish(refresh, route, answer);
}

/* An answer, or a push: true if the route was requested. A quarter of the time-out is left to wait at the directory: so
 * answers are in time where it becomes a little slower, and new routes do not wait long behind others. */
static bool take_request(struct refresh *refresh, struct route_key key)
{
    struct request_time sent;
    uint32_t outstanding = refresh->requests->count;
    if (!requests_answered(refresh->requests, key, &sent))
        return false;
    refresh->last_answer = refresh->now;
    refresh->proved = true;
    refresh->unanswered = false;
    window_answered(&refresh->window, outstanding, refresh->now - sent.tick,
                    refresh->config->fetcher.request_timeout_ms / 4);
    /* Late ones, too: they are what a latency is looked at for. A push of a route that is requested counts as its answer. */
    writer_add_latency(refresh->writer, refresh->heard_us - sent.us);
    return true;
}

/* Refuses an answer whole: the route stays as it is, NEW, and is not requested for a while. */
static void refuse(struct refresh *refresh, struct route_key key)
{
    refused_add(&refresh->refused, key, refresh->now);
    take_request(refresh, key);
    refresh_set_new(refresh, key);
    refresh_gauge_requests(refresh);
    end_waits(refresh, key, REFRESH_REFUSED);
}

void refresh_take_long_frame(void *context, const struct frame *frame)
{
    struct refresh *refresh = context;
    struct route_key key;
    uint32_t start = frame->length < FRAME_START ? frame->length : FRAME_START;
    bool named = frame->id == MESSAGE_GET_ROUTE_RESPONSE && decode_route(frame->body, start, &key);
    writer_count(refresh->writer, COUNTER_long_frames, 1);
    if (!named && frame->id != MESSAGE_GET_ROUTE_RESPONSE && !refresh->proved) {
        log_limited(&refresh->long_limit, LOG_LEVEL_WARNING,
                    "%s begins with what is no message of Lars: that is no directory: is the address right?",
                    connection_address(refresh->connection));
        return;
    }
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

void refresh_take_frame(void *context, const struct frame *frame)
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
                    "ignoring an answer of %" PRIu32 " byte%s: it does not decode, or has no usable host",
                    frame->length, number_plural(frame->length));
        return;
    }
    if (refresh_is_version_row(refresh, answer->key)) {
        take_request(refresh, answer->key);
        refresh_set_new(refresh, answer->key); /* of one server it was a route like any other */
        refresh_take_version_row(refresh, answer);
        return;
    }
    answer->behind = refresh_judge_version(refresh, answer);
    if (!answer->behind)
        connection_proved(refresh->connection);
    writer_count(refresh->writer, COUNTER_answers, 1);
    if (answer->unusable) {
        writer_count(refresh->writer, COUNTER_unusable_hosts, answer->unusable);
        log_limited(&refresh->host_limit, LOG_LEVEL_WARNING,
                    "route %" PRIu32 "/%" PRIu32 ": %" PRIu32 " host%s dropped: no usable address or port",
                    answer->key.modid, answer->key.cmdid, answer->unusable, number_plural(answer->unusable));
    }
    refused_remove(&refresh->refused, answer->key);
    bool requested = take_request(refresh, answer->key);
    refresh->answered |= requested;
    if (!requested)
        writer_count(refresh->writer, COUNTER_pushes, 1);
    /* An unrequested answer for a route that does not exist and is not cached: nothing to remember. */
    struct route_ref route = writer_find(refresh->writer, answer->key);
    bool matters = requested || route_ref_is_here(&route) ||
                   (answer->count && !key_sketch_may_have(&refresh->left, answer->key));
    if (answer->behind && answer->count == 0 && !route_ref_is_here(&route)) {
        refused_add(&refresh->refused, answer->key, refresh->now); /* others may have it */
        end_waits(refresh, answer->key, REFRESH_REFUSED);
        matters = false;
    }
    if (matters && refresh_hold_back(refresh, &route, answer)) {
        struct refresh_outcome held = compare(&route, answer);
        held.result = REFRESH_HELD;
        refresh_end_waits(refresh, answer->key, &held);
    } else if (matters)
        believe(refresh, &route, answer);
    refresh_gauge_requests(refresh);
}

void refresh_publish_late(struct refresh *refresh)
{
    struct route_ref route;
    while (writer_next_late(refresh->writer, refresh->now, &route))
        balance_table_changed(refresh->balance, &route);
}

/* The last answer that was held back. */
static void publish_held(struct refresh *refresh, const struct hold *hold)
{
    struct route_ref route = writer_find(refresh->writer, hold->key);
    struct answer *answer = &refresh->answer;
    answer->key = hold->key;
    answer->behind = false;
    answer->count = hold->count;
    for (uint32_t i = 0; i < hold->count; i++)
        answer->hosts[i] = hold->hosts[i];
    publish(refresh, &route, answer);
}

void refresh_end_holds(struct refresh *refresh)
{
    struct hold *hold;
    while ((hold = holds_due(&refresh->holds, HOLD_ENDS, refresh->now))) {
        log_limited(&refresh->hold_over_limit, LOG_LEVEL_WARNING,
                    "route %" PRIu32 "/%" PRIu32
                    ": the hold is over without a better answer, so the last one counts: "
                    "%" PRIu32 " host%s",
                    hold->key.modid, hold->key.cmdid, hold->count, number_plural(hold->count));
        publish_held(refresh, hold);
    }
}

enum accept_result refresh_accept(struct refresh *refresh, struct route_key key, uint32_t *hosts)
{
    const struct route_ref route = writer_find(refresh->writer, key);
    const struct hold *hold = holds_find(&refresh->holds, key);
    if (!hold)
        return route_ref_is_here(&route) ? ACCEPT_NO_HOLD : ACCEPT_NO_ROUTE;
    refresh->now = clock_tick();
    *hosts = hold->count;
    publish_held(refresh, hold);
    return ACCEPT_DONE;
}

bool refresh_accept_all(struct refresh *refresh, uint32_t *routes)
{
    bool behind = refresh->behind_since != 0;
    *routes = 0;
    refresh->now = clock_tick();
    refresh_take_newest(refresh);
    for (const struct hold *hold; (hold = TAILQ_FIRST(&refresh->holds.list)); ++*routes)
        publish_held(refresh, hold);
    return behind || *routes > 0;
}
