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

TAILQ_HEAD(held_queue, held);

struct hold {
    void *tree;              /* of struct held, by key; see tsearch(3) */
    struct held_queue queue; /* in the order the holds began */
    size_t count;
};

void hold_init(struct hold *hold);
void hold_free(struct hold *hold);

/* An answer without hosts came at `now`: the hold begins, or goes on as it was. False: no memory, nothing is held. */
bool hold_note(struct hold *hold, uint64_t key, uint64_t now);

/* When the last such answer came. False: the route is not held. */
bool hold_last(const struct hold *hold, uint64_t key, uint64_t *when);

/* Ends the route's hold. False: there was none. */
bool hold_end(struct hold *hold, uint64_t key);

/* The route that is held for longest, if that began at `begun_by` or earlier. */
bool hold_oldest(const struct hold *hold, uint64_t begun_by, uint64_t *key);

#endif
