/* SPDX-License-Identifier: MIT */
/*
 * What the report service does not know yet: which routes have unreported results, and counts that were reset before
 * they were reported. Sums, so that a service that is away for long costs no more memory than one that is there.
 *
 * Routes are reported in rounds, in the order in which they got results. One with failures is also reported out of turn,
 * once between two rounds, and so is one of which a host has changed its state, each time.
 */
#ifndef FETCHER_UNREPORTED_H
#define FETCHER_UNREPORTED_H

#include <stdbool.h>

#include "shm/layout.h"

/* Numbers of routes' records, in the order in which they were added, each once. */
struct unreported_ring {
    uint32_t *routes;
    uint32_t first, count;
};

struct unreported {
    struct unreported_node *nodes; /* by the number of a host's record */
    uint32_t capacity;             /* of nodes, and of each ring */
    struct unreported_ring in_turn, out_of_turn;
    uint32_t left; /* the first so many in turn are this round's */
};

enum urgency {
    URGENCY_NONE,
    URGENCY_FAILURE,
    URGENCY_STATE,
};

/* Room for numbers below `count`. False: no memory. */
bool unreported_reserve(struct unreported *unreported, uint32_t count);
void unreported_free(struct unreported *unreported);

/* Marks a route as having unreported results. */
void unreported_add_route(struct unreported *unreported, uint32_t route, enum urgency urgency);

/* Routes that have unreported results now are those of a round. */
void unreported_begin_round(struct unreported *unreported);

/* Takes the one of the round that has waited longest. False: there is none. */
bool unreported_take_route(struct unreported *unreported, uint32_t *route);

/* Takes the one that has waited longest of those that are reported out of turn. False: there is none. */
bool unreported_take_urgent(struct unreported *unreported, uint32_t *route);

/* A host's real counts, at these values, are about to be reset. */
void unreported_keep(struct unreported *unreported, uint32_t number, uint32_t rsucc, uint32_t rerr);

/* The counts to report now; they count as reported. */
void unreported_take(struct unreported *unreported, uint32_t number, const struct host_health *health,
                     uint32_t *succ, uint32_t *err);

/* The record belongs to another host from now on, or to none. */
void unreported_forget(struct unreported *unreported, uint32_t number);

#endif
