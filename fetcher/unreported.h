/* SPDX-License-Identifier: MIT */
/*
 * What the report service does not know yet: which routes have news, and counts that began anew before they were
 * told. Sums, so that a service that is away for long costs no more memory than one that is there.
 */
#ifndef FETCHER_UNREPORTED_H
#define FETCHER_UNREPORTED_H

#include <stdbool.h>

#include "shm/host_health.h"

struct untold {
    struct untold_node *nodes; /* by the number of a host's record */
    uint32_t *routes;          /* numbers of routes' records with news, a ring */
    uint32_t capacity, first, count;
};

/* A sum that stays at its largest value rather than wrap. */
static inline uint32_t untold_plus(uint32_t sum, uint64_t more)
{
    return more > UINT32_MAX - sum ? UINT32_MAX : sum + (uint32_t)more;
}

/* Room for numbers below `count`. False: no memory. */
bool untold_reserve(struct untold *untold, uint32_t count);
void untold_free(struct untold *untold);

/* The route has news, once or often; and takes the one that has waited longest. False: there are none. */
void untold_add_route(struct untold *untold, uint32_t route);
bool untold_take_route(struct untold *untold, uint32_t *route);

/* A host's real counts are about to begin anew at these. */
void untold_keep(struct untold *untold, uint32_t number, uint32_t rsucc, uint32_t rerr);

/* The counts to tell now; they count as told. */
void untold_tell(struct untold *untold, uint32_t number, const struct standing *standing, uint32_t *succ,
                 uint32_t *err);

/* The record is of another host from now on, or of none. */
void untold_forget(struct untold *untold, uint32_t number);

#endif
