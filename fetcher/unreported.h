/* SPDX-License-Identifier: MIT */
/*
 * What the report service does not know yet: which routes have unreported results, and counts that were reset before
 * they were reported. Sums, so that a service that is away for long costs no more memory than one that is there.
 */
#ifndef FETCHER_UNREPORTED_H
#define FETCHER_UNREPORTED_H

#include <stdbool.h>

#include "shm/layout.h"

struct unreported {
    struct unreported_node *nodes; /* by the number of a host's record */
    uint32_t *routes;              /* numbers of routes' records with unreported results, a ring */
    uint32_t capacity, first, count;
};

/* Room for numbers below `count`. False: no memory. */
bool unreported_reserve(struct unreported *unreported, uint32_t count);
void unreported_free(struct unreported *unreported);

/* Marks a route as having unreported results; takes the one that has waited longest. False: there is none. */
void unreported_add_route(struct unreported *unreported, uint32_t route);
bool unreported_take_route(struct unreported *unreported, uint32_t *route);

/* A host's real counts, at these values, are about to be reset. */
void unreported_keep(struct unreported *unreported, uint32_t number, uint32_t rsucc, uint32_t rerr);

/* The counts to report now; they count as reported. */
void unreported_take(struct unreported *unreported, uint32_t number, const struct host_health *health,
                     uint32_t *succ, uint32_t *err);

/* The record belongs to another host from now on, or to none. */
void unreported_forget(struct unreported *unreported, uint32_t number);

#endif
