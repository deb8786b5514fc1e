/* SPDX-License-Identifier: MIT */
/*
 * Which routes are used most, from a stream of more of them than there is room for: sums of some, by the algorithm "space
 * saving". A route that has none takes the place of the one with the least weight, and its weight, as the error of its own. Each
 * route has a place in one of many sets, by its hash, so no more than a few sums are looked at. Weights fade, so that a route
 * which was used much long ago makes room for one that is used now. In the fetcher's heap.
 */
#ifndef SHM_WRITER_USE_SUMS_H
#define SHM_WRITER_USE_SUMS_H

#include "shm/top_routes.h"

enum {
    USE_SETS = 128,
    USE_WAYS = 8, /* sums in a set */
};

struct use_sum {
    struct route_use use; /* since it has this place */
    double weight, error; /* what was counted for it is between weight - error and weight */
};

/* Zeroed: there are none. */
struct use_sums {
    struct use_sum sums[USE_SETS][USE_WAYS];
};

void use_sums_add(struct use_sums *sums, struct route_key key, uint64_t lookups);

/* A list of another fetcher: its routes go on growing from there, and what is used from now on goes before them. */
void use_sums_resume(struct use_sums *sums, const struct route_use *routes, size_t count);

/* Once a second: weights fade to half in a minute. */
void use_sums_fade(struct use_sums *sums);

/* Those that are used most now, most first. Returns how many. */
size_t use_sums_top(const struct use_sums *sums, struct route_use out[static TOP_ROUTES]);

#endif
