/* SPDX-License-Identifier: MIT */
/* Which answers are held back, and how a hold begins and ends: empty_hold and max_drop. */
#include <inttypes.h>

#include "conf/number.h"
#include "fetcher/backoff.h"
#include "fetcher/refresh_internal.h"
#include "shm/hold_mark.h"

enum {
    DROP_LEAST = 5, /* hosts of a route, for max_drop to mean something */
    FIRST_REQUEST_MS = 1000,
    LAST_REQUEST_MS = 8000, /* 1, 2, 4 and 8 s */
    REQUESTS = 4,
    CONFIRM_MS = 11000, /* a directory of Lars reads its database each 10 s */
};

static struct hold_rules rules_of(const struct config *config)
{
    const bool lars = config->loadbalance.rules == RULES_LARS; /* which believes each answer at once */
    return (struct hold_rules){.empty_hold = lars ? 0 : config->fetcher.empty_hold,
                               .max_drop = config->fetcher.max_drop};
}

/* The keys decide. Of an answer with `given` hosts, which takes so many of the route's away. HOLD_NONE: it is
 * believed at once. */
static enum hold_reason judge(const struct hold_rules *rules, uint32_t taken, uint32_t of, uint32_t given)
{
    if (rules->empty_hold == 0 || taken == 0)
        return HOLD_NONE;
    if (given == 0)
        return HOLD_EMPTY;
    return of >= DROP_LEAST && taken * 100 > rules->max_drop * of ? HOLD_DROPPED : HOLD_NONE;
}

/* It is soon after a change to a directory that does not tell how new its routes are. */
static bool needs_confirming(const struct refresh *refresh, const struct answer *answer,
                             const struct hold *hold)
{
    if (answer->has_version)
        return false;
    return (refresh->changed && refresh->now < refresh->changed + CONFIRM_MS) ||
           (hold && hold->reason == HOLD_UNCONFIRMED && refresh->now < hold->since + CONFIRM_MS);
}

/* How many of the route's hosts the answer takes away; 0 also where that matters not. */
static uint32_t count_taken(const struct route_ref *route, const struct answer *answer, bool matters)
{
    uint32_t of = route_ref_count(route), kept = 0;
    if (answer->count && !matters)
        return 0;
    for (uint32_t i = 0; i < answer->count; i++)
        kept += route_ref_find_host(route, answer->hosts[i]) != HOST_NONE;
    return of - kept;
}

void refresh_gauge_holds(struct refresh *refresh)
{
    writer_gauge(refresh->writer, COUNTER_held, refresh->holds.count);
}

/* What a directory that is behind has answered never counts by itself: another one may be the newest in the end. Nor what
 * is not confirmed. */
static bool ends_by_itself(const struct hold *hold)
{
    return hold->reason != HOLD_BEHIND && hold->reason != HOLD_UNCONFIRMED;
}

static void set_end(struct refresh *refresh, const struct route_ref *route, struct hold *hold, uint64_t ends)
{
    holds_set_time(&refresh->holds, hold, HOLD_ENDS, ends_by_itself(hold) ? ends : HOLD_NEVER);
    writer_set_held(refresh->writer, route, hold_mark(hold->reason, ends, refresh->now));
}

static uint64_t end_of(const struct refresh *refresh, const struct hold *hold)
{
    if (hold->reason == HOLD_BEHIND)
        return refresh_behind_ends(refresh);
    if (hold->reason == HOLD_UNCONFIRMED)
        return hold->since + CONFIRM_MS;
    return hold->since + refresh->hold_rules.empty_hold * UINT64_C(1000);
}

static void log_begin(struct refresh *refresh, const struct hold *hold)
{
    const bool unconfirmed = hold->reason == HOLD_UNCONFIRMED;
    char what[64] = "without hosts";
    if (hold->reason != HOLD_EMPTY)
        snprintf(what, sizeof(what), "that takes away %" PRIu32 " of %" PRIu32 " host%s", hold->taken,
                 hold->of, number_plural(hold->of));
    log_limited(&refresh->hold_limit, LOG_LEVEL_WARNING,
                "route %" PRIu32 "/%" PRIu32 ": an answer %s is held back for %" PRIu32
                " s%s; `larshm route accept %" PRIu32 " %" PRIu32 "` ends that",
                hold->key.modid, hold->key.cmdid, what,
                unconfirmed ? CONFIRM_MS / 1000 : refresh->hold_rules.empty_hold,
                unconfirmed ? ", and then until it is confirmed, as it may be another directory's" : "",
                hold->key.modid, hold->key.cmdid);
}

static struct hold *begin(struct refresh *refresh, struct route_key key)
{
    struct hold *hold = holds_add(&refresh->holds, key, refresh->now);
    refresh_gauge_holds(refresh);
    return hold;
}

/* A directory that is behind is not requested the route again: it has no other answer. */
static void set_reason(struct refresh *refresh, struct hold *hold, enum hold_reason reason)
{
    if (reason == HOLD_BEHIND)
        holds_set_time(&refresh->holds, hold, HOLD_REQUESTS, HOLD_NEVER);
    else if (reason == HOLD_UNCONFIRMED && hold->reason != reason)
        holds_set_time(&refresh->holds, hold, HOLD_REQUESTS, refresh->now + CONFIRM_MS);
    else if (reason != HOLD_UNCONFIRMED && (hold->reason == HOLD_NONE || !ends_by_itself(hold)))
        refresh_hold_wait(refresh, hold);
    hold->reason = reason;
}

bool refresh_hold_back(struct refresh *refresh, const struct route_ref *route, const struct answer *answer)
{
    struct hold *hold = holds_find(&refresh->holds, route->key);
    bool begins = !hold, unconfirmed = needs_confirming(refresh, answer, hold);
    uint32_t of = route_ref_count(route);
    uint32_t taken =
        count_taken(route, answer, answer->behind || unconfirmed || refresh->hold_rules.max_drop < 100);
    enum hold_reason reason = judge(&refresh->hold_rules, taken, of, answer->count);
    if (answer->behind && route_ref_is_here(route))
        reason = taken || answer->count != of ? HOLD_BEHIND : HOLD_NONE;
    else if (unconfirmed && taken)
        reason = HOLD_UNCONFIRMED;
    if (reason == HOLD_NONE || (begins && !(hold = begin(refresh, route->key))) ||
        !holds_set_answer(&refresh->holds, hold, answer->hosts, answer->count))
        return answer->behind && reason == HOLD_BEHIND; /* no room for it, and still not believed */
    set_reason(refresh, hold, reason);
    hold->answered = refresh->now;
    hold->taken = taken;
    hold->of = of;
    set_end(refresh, route, hold, end_of(refresh, hold));
    writer_set_new(refresh->writer, route);
    if (begins && reason != HOLD_BEHIND) /* which the log has said of all routes together */
        log_begin(refresh, hold);
    return true;
}

bool refresh_hold_end(struct refresh *refresh, const struct route_ref *route)
{
    struct hold *hold = holds_find(&refresh->holds, route->key);
    if (!hold)
        return false;
    holds_end(&refresh->holds, hold);
    writer_set_held(refresh->writer, route, 0);
    refresh_gauge_holds(refresh);
    return true;
}

void refresh_hold_wait(struct refresh *refresh, struct hold *hold)
{
    uint64_t when = HOLD_NEVER;
    if (hold->tries < REQUESTS)
        when = refresh->now + backoff_ms(FIRST_REQUEST_MS, LAST_REQUEST_MS, ++hold->tries);
    holds_set_time(&refresh->holds, hold, HOLD_REQUESTS, when);
}

void refresh_hold_apply(struct refresh *refresh)
{
    const struct hold_rules rules = rules_of(refresh->config), *old = &refresh->hold_rules;
    struct hold *hold;
    if (rules.empty_hold == old->empty_hold && rules.max_drop == old->max_drop)
        return;
    refresh->hold_rules = rules;
    TAILQ_FOREACH(hold, &refresh->holds.list, link) {
        const struct route_ref route = writer_find(refresh->writer, hold->key);
        bool goes_on =
            !ends_by_itself(hold) || judge(&rules, hold->taken, hold->of, hold->count) != HOLD_NONE;
        set_end(refresh, &route, hold, goes_on ? end_of(refresh, hold) : hold->since);
    }
}
