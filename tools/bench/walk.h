/* SPDX-License-Identifier: MIT */
/* Goes through a world's routes in its order, with any way of looking one up. */
#ifndef TOOLS_BENCH_WALK_H
#define TOOLS_BENCH_WALK_H

#include "tools/bench/world.h"

struct walk {
    const struct world *world;
    uint32_t at;     /* in the order */
    uint32_t offset; /* added to route numbers: by more than there are, to miss each time */
    uint64_t sum;    /* of what was found, so that no compiler leaves the finding out */
};

/* Picks a host of the route. False: there is no such route. */
typedef bool look_fn(void *peer, uint32_t route, larshm_host *out);

/* Inlined into each caller together with its `look`: what is timed is the lookup, not a call through a pointer. */
__attribute__((always_inline)) static inline bool walk_run(struct walk *walk, uint32_t calls, look_fn *look,
                                                           void *peer)
{
    const uint32_t *order = walk->world->order;
    uint32_t at = walk->at, found = 0, sum = 0;
    for (uint32_t i = 0; i < calls; i++) {
        larshm_host host = {0};
        found += look(peer, order[at++ & ORDER_MASK] + walk->offset, &host);
        sum += host.addr + host.port;
    }
    walk->at = at & ORDER_MASK;
    walk->sum += sum;
    return found == (walk->offset ? 0 : calls);
}

/* Every route, and at least CHECKS_LEAST lookups, compared with the equation; or, with an offset, every one a miss. */
enum {
    CHECKS_LEAST = 1 << 16
};
static inline bool walk_check(const struct walk *walk, look_fn *look, void *peer)
{
    const struct world_shape *shape = &walk->world->shape;
    uint32_t checks = shape->routes > CHECKS_LEAST ? shape->routes : CHECKS_LEAST;
    for (uint32_t i = 0; i < checks; i++) {
        uint32_t route = i % shape->routes + walk->offset;
        larshm_host host = {0};
        bool found = look(peer, route, &host);
        if (found == (walk->offset != 0) || (found && !world_owns(route, shape->hosts, &host)))
            return false;
    }
    return true;
}

#endif
