/* SPDX-License-Identifier: MIT */
/*
 * The rules of Lars for keeping routes fresh, between clients' flags, the directory and shared memory:
 *
 *      1  first lookup of an unknown route: request it
 *      2  an answer with hosts: publish them, NEW
 *      3  an answer without hosts: the route no longer exists
 *      4  a lookup of a NEW route older than update_timeout: answered from the table at hand, and PULLING
 *      5  while PULLING, it is not requested again
 *      6  whenever the directory is connected: every PULLING route becomes NEW
 *
 * and what Lars lacks: lost requests are found, see requests.h; limits; known routes requested again after each connect,
 * rate limited; and holds: an answer that would empty a route, or take too many of its hosts away, is published only if
 * no better one comes in that time, or an operator accepts it.
 */
#ifndef FETCHER_REFRESH_H
#define FETCHER_REFRESH_H

#include <sys/queue.h>

#include "conf/config.h"
#include "fetcher/balance.h"
#include "fetcher/connection.h"
#include "shm/writer/writer.h"

struct refresh;

/* `config` is read at each step and may change in between. NULL: no memory. */
struct refresh *refresh_new(struct writer *writer, struct balance *balance, const struct config *config);
void refresh_delete(struct refresh *refresh);

/* Sets the connection for requests; to be called once, before it starts. */
void refresh_use(struct refresh *refresh, struct connection *connection);

/* Of that connection, with the refresh as context. */
extern const struct connection_role refresh_role;

/* Every poll_interval_ms: deadlines, flags, misses, resubscription. */
void refresh_poll(struct refresh *refresh);

/* The connection is up, and nothing is waited for: it costs least now to use another one. */
bool refresh_quiet(const struct refresh *refresh);

/* How many requests clients have caused, by lookups of new routes and of expired ones. */
uint64_t refresh_demands(const struct refresh *refresh);

/* A client waits for its route: requests what is due, between two polls; without a connection, has another attempt made soon.
 * False: nothing was requested since the last knock, here or in a poll. */
bool refresh_knocked(struct refresh *refresh);

/* What became of a request that an operator has made. */
enum refresh_result {
    REFRESH_UNCHANGED,
    REFRESH_CHANGED,
    REFRESH_CACHED,  /* it was not */
    REFRESH_NONE,    /* the directory has no such route */
    REFRESH_HELD,    /* the answer is held back */
    REFRESH_NO_ROOM, /* for the answer, or not yet */
    REFRESH_REFUSED, /* the answer is too long, has too many hosts, or is behind */
    REFRESH_CUT_OFF, /* the connection has ended */
    REFRESH_TIMED_OUT,
};

struct refresh_outcome {
    enum refresh_result result;
    uint32_t hosts, added, removed; /* of the answer */
};

enum {
    REFRESH_WAIT_MS = 3000
};

/* An operator who waits for an answer. */
struct refresh_wait {
    struct route_key key;
    /* Called once, and then it is forgotten. */
    void (*done)(struct refresh_wait *wait, const struct refresh_outcome *outcome);
    uint64_t until; /* tick */
    TAILQ_ENTRY(refresh_wait) link;
};

/* The route whose one host has the version for its address, behind Lars' own directory. Only where there are several
 * servers. */
bool refresh_is_version_row(const struct refresh *refresh, struct route_key key);

/* Has the route of `wait` requested at the next poll. `wait` must live until it is done, REFRESH_WAIT_MS later at the latest, or
 * is left. False: there is no connection. */
bool refresh_begin_wait(struct refresh *refresh, struct refresh_wait *wait);
void refresh_leave_wait(struct refresh *refresh, struct refresh_wait *wait);

enum forget_result {
    FORGET_DONE,
    FORGET_NO_ROUTE,
    FORGET_NO_MEMORY,
};

/* The route leaves the cache, with a generation that is made after *soon_ms at the latest. */
enum forget_result refresh_forget(struct refresh *refresh, struct route_key key, uint64_t *soon_ms);

enum accept_result {
    ACCEPT_DONE,
    ACCEPT_NO_ROUTE,
    ACCEPT_NO_HOLD, /* no answer for the route is held back */
};

/* An operator believes the answer that is held back: publishes its *hosts hosts. */
enum accept_result refresh_accept(struct refresh *refresh, struct route_key key, uint32_t *hosts);

/* Likewise all answers that are held back, and the newest directory, if it is behind. *routes: how many routes that
 * were. False: there was nothing of either. */
bool refresh_accept_all(struct refresh *refresh, uint32_t *routes);

#endif
