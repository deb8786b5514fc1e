/* SPDX-License-Identifier: MIT */
/*
 * Requests that were sent on this connection and not answered yet. Each keeps its route PULLING, so no route is requested
 * twice on a connection: one whose time-out has passed is late, and its answer is still waited for.
 *
 * A late request is lost when one is answered that was sent after its time-out: a directory answers a connection's
 * requests in their order, so it has dropped the first one. Order alone would be no proof, for a push of a route that is
 * requested looks like its answer, and comes out of order; late pushes that overtake a late answer are rare, and cost a
 * second request. A fixed table, so that no number of clients makes it grow.
 */
#ifndef FETCHER_REQUESTS_H
#define FETCHER_REQUESTS_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/route_key.h"

enum {
    REQUESTS_MAX = 65536,
    REQUESTS_HEADS = 65536, /* a power of two */
};

/* One moment. */
struct request_time {
    uint64_t tick;
    uint64_t us; /* of a clock that only measures how long something took */
};

struct request {
    struct route_key key;
    struct request_time sent;
    uint32_t bytes : 31; /* that its answer is expected to have */
    uint32_t for_new : 1;
    uint32_t chain; /* next in its hash chain */
    uint32_t before, after;
};

struct requests {
    struct request table[REQUESTS_MAX];
    uint32_t heads[REQUESTS_HEADS];
    uint32_t unused;      /* chain of free entries */
    uint32_t first, last; /* in the order in which they were sent */
    uint32_t timely;      /* the first that is not late yet */
    uint32_t count;
    uint64_t bytes;     /* of all their answers */
    uint32_t new_count; /* likewise, of those for routes that were not known */
    uint64_t new_bytes;
    uint64_t answered; /* tick at which the youngest was sent of those that are answered */
};

struct requests *requests_new(void);
void requests_delete(struct requests *requests);

/* A new connection: forgets all that are left. */
void requests_clear(struct requests *requests);

/* True if a request for the key is outstanding. */
bool requests_has(const struct requests *requests, struct route_key key);

/* Records a request sent at `now`, to an answer of about so many bytes: of a key that is not outstanding, while there
 * are fewer than REQUESTS_MAX. `for_new`: its route is not known yet. */
void requests_add(struct requests *requests, struct route_key key, uint32_t bytes, bool for_new,
                  struct request_time now);

/* An answer: forgets the request, which was sent at *sent. False if there was none. */
bool requests_answered(struct requests *requests, struct route_key key, struct request_time *sent);

/* True if the oldest that is not late yet was sent at `sent_before` or earlier: it is late from now on. */
bool requests_time_out(struct requests *requests, uint64_t sent_before);

/* Forgets the oldest request if it is lost; *key is its route. */
bool requests_lost(struct requests *requests, uint64_t timeout, struct route_key *key);

/* Removes the oldest request. False: there is none. */
bool requests_take(struct requests *requests, struct route_key *key);

/* The ticks at which the oldest and the youngest were sent. There is one. */
uint64_t requests_oldest(const struct requests *requests);
uint64_t requests_youngest(const struct requests *requests);

#endif
