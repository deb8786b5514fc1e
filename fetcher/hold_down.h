/* SPDX-License-Identifier: MIT */
/*
 * Routes whose answer without hosts is held back: since when, and when the directory last gave such an answer. One
 * entry for each route at most, so memory is bounded by the routes that are here.
 */
#ifndef FETCHER_HOLD_DOWN_H
#define FETCHER_HOLD_DOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "shm/route_key.h"

TAILQ_HEAD(held_queue, held);

struct hold_down {
    void *tree;              /* of struct held, by key; see tsearch(3) */
    struct held_queue queue; /* in the order the holds began */
    size_t count;
};

void hold_down_init(struct hold_down *hold);
void hold_down_free(struct hold_down *hold);

/* An answer without hosts came at `now`: the hold begins, or goes on as it was. False: no memory, nothing is held. */
bool hold_down_add(struct hold_down *hold, struct route_key key, uint64_t now);

/* When the last such answer came. False: the route is not held. */
bool hold_down_last(const struct hold_down *hold, struct route_key key, uint64_t *when);

/* Ends the route's hold. False: there was none. */
bool hold_down_end(struct hold_down *hold, struct route_key key);

/* The route that is held for longest, if that began at `begun_by` or earlier. */
bool hold_down_oldest(const struct hold_down *hold, uint64_t begun_by, struct route_key *key);

#endif
