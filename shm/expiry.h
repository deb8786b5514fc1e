/* SPDX-License-Identifier: MIT */
/*
 * How block.expires follows from the fetch, a part of the layout.
 *
 * A table expires up to EXPIRY_EARLY_PERMILLE of its ttl_s early. How much is drawn from its key and the last bits of the
 * tick at which it was fetched, so it is another one for each route, each machine and each fetch: what is fetched in one
 * moment, as by a fleet whose directory has been restarted, does not expire in one moment again and again. It is a
 * multiple of the range of those bits. So they are the same in `expires` less ttl_s, and the fetch can be told from that.
 */
#ifndef SHM_EXPIRY_H
#define SHM_EXPIRY_H

#include "shm/route_key.h"

enum {
    EXPIRY_EARLY_PERMILLE = 300, /* at most */
    EXPIRY_STEP_MS = 64,         /* a power of two: the range of the bits */
};

/* Multiples of the golden ratio fill the range evenly, and those of ticks that follow each other are far apart. */
static inline uint64_t expiry_early(struct route_key key, uint64_t tick, uint32_t ttl_s)
{
    uint64_t steps = (uint64_t)ttl_s * EXPIRY_EARLY_PERMILLE / EXPIRY_STEP_MS + 1;
    uint32_t draw =
        (uint32_t)(route_key_hash(key, 0) >> 32) + (uint32_t)(tick % EXPIRY_STEP_MS) * UINT32_C(0x9e3779b9);
    return (draw * steps >> 32) * EXPIRY_STEP_MS;
}

/* The tick after which a table of the route, fetched at tick `fetched`, is to be refreshed. */
static inline uint64_t expiry_tick(struct route_key key, uint64_t fetched, uint32_t ttl_s)
{
    return fetched + ttl_s * UINT64_C(1000) - expiry_early(key, fetched, ttl_s);
}

/* The inverse: when it was fetched. 0 for what no fetch gives. */
static inline uint64_t expiry_fetched(struct route_key key, uint64_t expires, uint32_t ttl_s)
{
    uint64_t ttl_ms = ttl_s * UINT64_C(1000), bits = expires - ttl_ms;
    uint64_t early = expiry_early(key, bits, ttl_s);
    return expires + early > ttl_ms ? expires + early - ttl_ms : 0;
}

#endif
