/* SPDX-License-Identifier: MIT */
/*
 * struct refresh: shared by refresh.c, refresh_answer.c, refresh_request.c, refresh_hold.c, refresh_behind.c,
 * refresh_wait.c and refresh_leave.c alone.
 * Each calls only those that come after it here.
 */
#ifndef FETCHER_REFRESH_INTERNAL_H
#define FETCHER_REFRESH_INTERNAL_H

#include <uv.h>

#include "conf/log.h"
#include "fetcher/decode.h"
#include "fetcher/expired.h"
#include "fetcher/holds.h"
#include "fetcher/refresh.h"
#include "fetcher/refused.h"
#include "fetcher/requests.h"
#include "fetcher/shares.h"
#include "fetcher/subscriptions.h"
#include "fetcher/token_bucket.h"
#include "fetcher/unused.h"
#include "fetcher/window.h"
#include "shm/writer/key_sketch.h"

/* The keys that decide what is held back. */
struct hold_rules {
    uint32_t empty_hold; /* seconds; 0: nothing */
    uint32_t max_drop;   /* percent */
};

struct refresh {
    struct writer *writer;
    struct balance *balance;
    const struct config *config;
    struct connection *connection;
    struct requests *requests;
    struct window window; /* of requests */
    struct holds holds;
    struct hold_rules hold_rules;     /* in use; see refresh_hold_apply() */
    TAILQ_HEAD(, refresh_wait) waits; /* of operators */
    struct subscriptions subscriptions;
    size_t resubscribe;          /* position in `subscriptions` of the next route to request again */
    uint64_t resubscribe_from;   /* tick: routes that were answered later are not requested again */
    uint64_t generation;         /* the one that `subscriptions` is compared with, */
    size_t checked;              /* so far as here */
    bool checking;               /* and not to the end yet */
    struct expired expired;      /* routes to refresh */
    uint64_t expired_generation; /* of their slots */
    uint64_t collected;          /* tick: all flags were */
    struct shares shares;        /* of requests_per_second */
    struct token_bucket resubscribe_bucket; /* for requests of known routes, in addition */
    uint64_t behind;                        /* tick since which refreshes wait all the time; 0: they do not */
    int64_t
        for_directory; /* in how many polls of these for the directory, less those for their share of the rate */
    uint64_t
        behind_since; /* tick since which each answer was behind the version that was seen; 0: the last was not */
    uint64_t row_due; /* tick: the version row is requested; see refresh_behind.c */
    bool row_known;   /* on this connection: its version is that of answers which tell none */
    uint64_t row_version;
    uint64_t leave_at; /* tick: tries another server for that; 0: this one is not behind so far */
    uint64_t changed;  /* tick: began to use another directory than the routes may be from; 0: has not */
    char directory[CONNECTION_ADDRESS_SIZE]; /* that was used last; "": none was */
    uint64_t now;
    uint64_t heard;            /* tick: something came from the directory */
    uint64_t heard_us;         /* the same moment, by refresh_us() */
    uint64_t last_answer;      /* tick: a request was answered, or the connection made */
    uint64_t demands;          /* requests that clients have caused */
    uint64_t demands_at_knock; /* ... until one knocked last */
    bool announced;            /* max_frame, on this connection */
    bool proved;               /* a request was answered, on this connection */
    bool unanswered; /* for longer than a request may take, or until a connection ended, and none has been since */
    bool answered; /* a request, by the bytes that are being taken */
    struct log_limit kind_limit, decode_limit, host_limit, put_limit, hold_limit, hold_better_limit,
        hold_over_limit, behind_limit, caught_up_limit, long_limit, many_limit, rate_limit, unused_limit;
    struct refused refused;
    struct unused unused;
    struct key_sketch left; /* the cache, on this connection: the directory still pushes them */
    struct answer answer;
};

/* Microseconds of a clock that is never set: ticks are too coarse for how long a directory nearby takes to answer. */
static inline uint64_t refresh_us(void)
{
    return uv_hrtime() / 1000;
}

/* ---- refresh_answer.c ---- */

/* The directory has sent a message, or one that is longer than max_frame and is skipped. */
void refresh_take_frame(void *context, const struct frame *frame);
void refresh_take_long_frame(void *context, const struct frame *frame);

/* At each poll: holds whose time is over, and answers that found no room when they came. */
void refresh_end_holds(struct refresh *refresh);
void refresh_publish_late(struct refresh *refresh);

/* ---- refresh_request.c ---- */

/* At each poll: requests that were not answered in time, and all that is to be requested. */
void refresh_enforce_deadlines(struct refresh *refresh);
void refresh_request_due(struct refresh *refresh);

/* Rule 6: a connection has ended, no request is under way any more; one is made, every known route is to be requested. */
void refresh_forget_requests(struct refresh *refresh);
void refresh_restart_requests(struct refresh *refresh);

/* The route of a request that has no answer to wait for is NEW again. */
void refresh_set_new(struct refresh *refresh, struct route_key key);

void refresh_gauge_requests(struct refresh *refresh);

/* ---- refresh_behind.c ---- */

bool refresh_version_row_due(const struct refresh *refresh);
void refresh_version_row_requested(struct refresh *refresh);
void refresh_take_version_row(struct refresh *refresh, struct answer *answer);

/* A connection was made. */
void refresh_forget_version_row(struct refresh *refresh);

/* True if the answer is behind the version that was seen. Sets the version of one that tells none, if there is a row. */
bool refresh_judge_version(struct refresh *refresh, struct answer *answer);

/* At each poll: goes to another server, or takes the newest of them in the end. */
void refresh_follow_behind(struct refresh *refresh);

/* The tick at which the newest one is taken. */
uint64_t refresh_behind_ends(const struct refresh *refresh);

/* Now. */
void refresh_take_newest(struct refresh *refresh);

/* ---- refresh_hold.c ---- */

/* True if the answer takes too many hosts away, and is held back: begins a hold, or goes on with it. */
bool refresh_hold_back(struct refresh *refresh, const struct route_ref *route, const struct answer *answer);

/* Ends the route's hold. False: there is none. */
bool refresh_hold_end(struct refresh *refresh, const struct route_ref *route);

/* The hold's request was sent: sets the time of the next one, later each time, and never after the last. */
void refresh_hold_wait(struct refresh *refresh, struct hold *hold);

/* At each poll: where the configuration has changed, gives all holds their new end. */
void refresh_hold_apply(struct refresh *refresh);

void refresh_gauge_holds(struct refresh *refresh);

/* ---- refresh_leave.c ---- */

/* A program has looked the route up: it stays, or comes back in time. */
void refresh_see_use(struct refresh *refresh, uint32_t slot);

/* The route is here, and leaves. */
bool refresh_is_leaving(const struct refresh *refresh, const struct route_ref *route);

/* At each poll: routes that no program has looked up for unused_timeout leave. */
void refresh_leave_unused(struct refresh *refresh);

/* At each poll: forgets a part of what a new generation has left out. */
void refresh_forget_dropped(struct refresh *refresh);

/* Before the route is published: it must not come back as a duplicate. */
void refresh_forget_before(struct refresh *refresh, const struct route_ref *route);

/* ---- refresh_wait.c ---- */

/* An operator waits for the route. */
bool refresh_is_awaited(const struct refresh *refresh, struct route_key key);

/* Ends the waits for a route. */
void refresh_end_waits(struct refresh *refresh, struct route_key key, const struct refresh_outcome *outcome);

/* Ends those that have taken too long, or with `cut_off` all. */
void refresh_end_late_waits(struct refresh *refresh, bool cut_off);

#endif
