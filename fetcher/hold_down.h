/* SPDX-License-Identifier: MIT */
/*
 * Routes whose answer without hosts is held back: since when, and when the directory last gave such an answer. At most
 * one entry for each route, so memory is bounded by the number of cached routes.
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
    struct held_queue queue; /* oldest first */
    size_t count;
};

void hold_down_init(struct hold_down *hold);
void hold_down_free(struct hold_down *hold);

/* An answer without hosts came at `now`: begins a hold-down, or leaves one that has begun. False: no memory. */
bool hold_down_add(struct hold_down *hold, struct route_key key, uint64_t now);

/* When the last such answer came. False: the route is not held down. */
bool hold_down_last(const struct hold_down *hold, struct route_key key, uint64_t *when);

/* Ends the route's hold-down. False: there was none. */
bool hold_down_end(struct hold_down *hold, struct route_key key);

/* The route with the oldest hold-down, if that began at `begun_by` or earlier. */
bool hold_down_oldest(const struct hold_down *hold, uint64_t begun_by, struct route_key *key);

#endif
