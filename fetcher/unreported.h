/* SPDX-License-Identifier: MIT */
/*
 * What the report service does not know yet: which routes have news, and counts that began anew before they were
 * told. Sums, so that a service that is away for long costs no more memory than one that is there.
 */
#ifndef FETCHER_UNREPORTED_H
#define FETCHER_UNREPORTED_H

#include <stdbool.h>

#include "shm/host_health.h"

struct unreported {
    struct unreported_node *nodes; /* by the number of a host's record */
    uint32_t *routes;              /* numbers of routes' records with news, a ring */
    uint32_t capacity, first, count;
};

/* A sum that stays at its largest value rather than wrap. */
static inline uint32_t unreported_plus(uint32_t sum, uint64_t more)
{
    return more > UINT32_MAX - sum ? UINT32_MAX : sum + (uint32_t)more;
}

/* Room for numbers below `count`. False: no memory. */
bool unreported_reserve(struct unreported *unreported, uint32_t count);
void unreported_free(struct unreported *unreported);

/* The route has news, once or often; and takes the one that has waited longest. False: there are none. */
void unreported_add_route(struct unreported *unreported, uint32_t route);
bool unreported_take_route(struct unreported *unreported, uint32_t *route);

/* A host's real counts are about to begin anew at these. */
void unreported_keep(struct unreported *unreported, uint32_t number, uint32_t rsucc, uint32_t rerr);

/* The counts to tell now; they count as told. */
void unreported_take(struct unreported *unreported, uint32_t number, const struct host_health *health,
                     uint32_t *succ, uint32_t *err);

/* The record is of another host from now on, or of none. */
void unreported_forget(struct unreported *unreported, uint32_t number);

#endif
