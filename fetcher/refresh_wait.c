/* SPDX-License-Identifier: MIT */
/* Operators who wait for the answer to a route: few, as many as have a connection to the admin socket. */
#include "fetcher/refresh_internal.h"
#include "shm/clock.h"

bool refresh_is_awaited(const struct refresh *refresh, struct route_key key)
{
    const struct refresh_wait *wait;
    TAILQ_FOREACH(wait, &refresh->waits, link) {
        if (route_key_equal(wait->key, key))
            return true;
    }
    return false;
}

bool refresh_begin_wait(struct refresh *refresh, struct refresh_wait *wait)
{
    if (writer_connection_state(refresh->writer) != CONNECTION_UP)
        return false;
    wait->until = clock_tick() + REFRESH_WAIT_MS;
    TAILQ_INSERT_TAIL(&refresh->waits, wait, link);
    refused_remove(&refresh->refused, wait->key);
    return true;
}

void refresh_leave_wait(struct refresh *refresh, struct refresh_wait *wait)
{
    TAILQ_REMOVE(&refresh->waits, wait, link);
}

static void end(struct refresh *refresh, struct refresh_wait *wait, const struct refresh_outcome *outcome)
{
    TAILQ_REMOVE(&refresh->waits, wait, link);
    wait->done(wait, outcome);
}

void refresh_end_waits(struct refresh *refresh, struct route_key key, const struct refresh_outcome *outcome)
{
    struct refresh_wait *wait, *next;
    for (wait = TAILQ_FIRST(&refresh->waits); wait; wait = next) {
        next = TAILQ_NEXT(wait, link);
        if (route_key_equal(wait->key, key))
            end(refresh, wait, outcome);
    }
}

/* They are in the order in which they began. */
void refresh_end_late_waits(struct refresh *refresh, bool cut_off)
{
    const struct refresh_outcome outcome = {.result = cut_off ? REFRESH_CUT_OFF : REFRESH_TIMED_OUT};
    struct refresh_wait *wait;
    while ((wait = TAILQ_FIRST(&refresh->waits)) && (cut_off || refresh->now > wait->until))
        end(refresh, wait, &outcome);
}
