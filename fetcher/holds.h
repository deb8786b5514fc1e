/* SPDX-License-Identifier: MIT */
/*
 * Answers that are held back: why, since when, until when, and when the route is requested again. At most one for each
 * route that is cached, and HOLDS_HOSTS_MAX hosts of all together.
 */
#ifndef FETCHER_HOLDS_H
#define FETCHER_HOLDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "shm/host_addr.h"
#include "shm/layout.h"
#include "shm/route_key.h"

enum hold_time {
    HOLD_ENDS,
    HOLD_REQUESTS, /* the route, again */
    HOLD_TIMES,
};

#define HOLD_NEVER UINT64_MAX

enum {
    HOLDS_HOSTS_MAX = 1 << 22 /* 32 MiB */
};

struct hold {
    struct route_key key;
    uint64_t since; /* tick */

    /* Of the last answer that is held back, set by the caller. */
    enum hold_reason reason;
    uint64_t answered;  /* tick */
    uint32_t taken, of; /* so many of the route's hosts it takes away */
    unsigned tries;     /* requests that the hold has caused */

    uint32_t count; /* of `hosts`; see holds_set_answer() */
    struct host_addr *hosts;
    uint64_t when[HOLD_TIMES]; /* ticks; see holds_set_time() */
    size_t place[HOLD_TIMES];  /* in the heaps */
    TAILQ_ENTRY(hold) link;
};

TAILQ_HEAD(hold_list, hold);

struct holds {
    void *tree;            /* of struct hold, by key; see tsearch(3) */
    struct hold_list list; /* oldest first */
    /* In each heap no time at place n is later than those at places 2n + 1 and 2n + 2. */
    struct hold **heaps[HOLD_TIMES];
    size_t count, capacity; /* of each */
    size_t host_count;      /* of all answers */
};

void holds_init(struct holds *holds);
void holds_free(struct holds *holds);

/* NULL: no answer for the route is held back. */
struct hold *holds_find(const struct holds *holds, struct route_key key);

/* Begins a hold of a route that has none; both its times are HOLD_NEVER. NULL: no memory. */
struct hold *holds_add(struct holds *holds, struct route_key key, uint64_t now);
void holds_end(struct holds *holds, struct hold *hold);

/* Copies the hosts of the answer that is held back now. False: there is no room, and the hold has the one before. */
bool holds_set_answer(struct holds *holds, struct hold *hold, const struct host_addr *hosts, uint32_t count);

void holds_set_time(struct holds *holds, struct hold *hold, enum hold_time time, uint64_t when);

/* The hold whose time is the first to come, if that is `now` or earlier; else NULL. */
struct hold *holds_due(const struct holds *holds, enum hold_time time, uint64_t now);

#endif
