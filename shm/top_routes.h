/* SPDX-License-Identifier: MIT */
/*
 * The routes that are looked up most, in the header, for people. Lists are written to two places in turn: that of change n to
 * top_routes[n % 2].
 */
#ifndef SHM_TOP_ROUTES_H
#define SHM_TOP_ROUTES_H

#include "shm/layout.h"

struct route_use {
    struct route_key key;
    uint64_t lookups; /* an estimate, from samples; grows, or begins again, see writer/use_sums.h */
};

/* Most first. Returns how many. */
size_t top_routes_read(const struct routes_header *s_header, struct route_use out[static TOP_ROUTES]);

/* One writer. Of more than TOP_ROUTES the first ones. */
void top_routes_write(struct routes_header *s_header, const struct route_use *routes, size_t count);

#endif
