/* SPDX-License-Identifier: MIT */
/* Routes that leave the cache: unused ones, those that an operator forgets, and what a new generation has left out. */
#include <inttypes.h>

#include "fetcher/refresh_internal.h"
#include "shm/clock.h"

enum {
    CHECKED_PER_POLL = 16384 /* keys: some milliseconds, if all have left */
};

static bool has_left(const struct refresh *refresh, struct route_key key)
{
    if (!writer_may_have_dropped(refresh->writer, key)) /* most are not searched for */
        return false;
    const struct route_ref route = writer_find(refresh->writer, key);
    return !route_ref_is_here(&route);
}

static bool is_key(const void *context, struct route_key key)
{
    (void)context;
    return !route_key_is_none(key);
}

/* Goes on with the subscriptions where it was, and takes out what has left once it is through. */
static void check(struct refresh *refresh, size_t most)
{
    struct subscriptions *all = &refresh->subscriptions;
    for (; most > 0 && refresh->checked < all->count; most--, refresh->checked++) {
        struct route_key *key = &all->keys[refresh->checked];
        if (!has_left(refresh, *key))
            continue;
        balance_route_left(refresh->balance, *key);
        *key = ROUTE_KEY_NONE;
    }
    if (refresh->checked < all->count)
        return;
    subscriptions_filter(all, is_key, NULL, &refresh->resubscribe);
    writer_forget_dropped(refresh->writer);
    refresh->checking = false;
}

static void follow_generation(struct refresh *refresh)
{
    uint64_t generation = writer_generation(refresh->writer);
    if (generation == refresh->generation)
        return;
    refresh->generation = generation;
    refresh->checking = true;
    refresh->checked = 0;
}

void refresh_forget_dropped(struct refresh *refresh)
{
    follow_generation(refresh);
    if (refresh->checking)
        check(refresh, CHECKED_PER_POLL);
}

void refresh_forget_before(struct refresh *refresh, const struct route_ref *route)
{
    follow_generation(refresh);
    if (refresh->checking && !route_ref_is_here(route) &&
        writer_may_have_dropped(refresh->writer, route->key))
        check(refresh, SIZE_MAX);
}

void refresh_see_use(struct refresh *refresh, uint32_t slot)
{
    writer_stay(refresh->writer, slot);
    unused_see(&refresh->unused, refresh->writer, slot);
}

bool refresh_is_leaving(const struct refresh *refresh, const struct route_ref *route)
{
    return route_ref_is_here(route) && writer_is_leaving(refresh->writer, route->slot);
}

/* Its hold ends, and no answer of it is published by that. */
static bool leave(struct refresh *refresh, const struct route_ref *route)
{
    if (!writer_leave(refresh->writer, route))
        return false;
    refresh_hold_end(refresh, route);
    key_sketch_add(&refresh->left, route->key);
    return true;
}

void refresh_leave_unused(struct refresh *refresh)
{
    const uint32_t timeout_s = refresh->config->fetcher.unused_timeout;
    bool watched = writer_connection_state(refresh->writer) == CONNECTION_UP &&
                   refresh->collected >= refresh->resubscribe_from;
    struct route_ref route;
    if (!unused_poll(&refresh->unused, refresh->writer, timeout_s, watched ? refresh->collected : 0,
                     refresh->now))
        return;
    while (unused_next(&refresh->unused, refresh->writer, &route))
        if (leave(refresh, &route)) {
            writer_count(refresh->writer, COUNTER_unused, 1);
            log_limited(&refresh->unused_limit, LOG_LEVEL_INFO,
                        "route %" PRIu32 "/%" PRIu32
                        " leaves: no program has looked it up for [fetcher] unused_timeout, %" PRIu32 " s",
                        route.key.modid, route.key.cmdid, timeout_s);
        }
}

/* The answer to a request that is under way would bring it back. */
static void give_request_up(struct refresh *refresh, struct route_key key)
{
    struct request_time sent;
    if (requests_answered(refresh->requests, key, &sent))
        refresh_set_new(refresh, key);
    refresh_gauge_requests(refresh);
}

enum forget_result refresh_forget(struct refresh *refresh, struct route_key key, uint64_t *soon_ms)
{
    refresh->now = clock_tick();
    writer_end_growth(refresh->writer, refresh->now);
    const struct route_ref route = writer_find(refresh->writer, key);
    if (!route_ref_is_here(&route))
        return FORGET_NO_ROUTE;
    if (!leave(refresh, &route))
        return FORGET_NO_MEMORY;
    give_request_up(refresh, key);
    *soon_ms = writer_leave_soon(refresh->writer, refresh->now);
    return FORGET_DONE;
}
