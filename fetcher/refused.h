/* SPDX-License-Identifier: MIT */
/*
 * Routes whose answer was refused: they are not requested for a while, since the same answer would come again. A fixed
 * table, in which one route may push out another: that is then requested again too early, and refused again.
 */
#ifndef FETCHER_REFUSED_H
#define FETCHER_REFUSED_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/route_key.h"

enum {
    REFUSED_CELLS = 4096,
    REFUSED_MS = 60000,
};

/* Zero-initialise. */
struct refused {
    struct refused_route {
        struct route_key key;
        uint64_t until; /* tick; 0: the cell is empty */
    } cells[REFUSED_CELLS];
};

void refused_add(struct refused *refused, struct route_key key, uint64_t now);

/* An answer of it was accepted. */
void refused_remove(struct refused *refused, struct route_key key);

/* True if the route is not to be requested now. */
bool refused_lately(const struct refused *refused, struct route_key key, uint64_t now);

#endif
