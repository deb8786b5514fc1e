/* SPDX-License-Identifier: MIT */
/* Routes that a fetcher begins with where its instance has none: they are in the first object before it has a name. */
#ifndef SHM_WRITER_ROUTE_SOURCE_H
#define SHM_WRITER_ROUTE_SOURCE_H

#include <stdbool.h>

#include "shm/host_addr.h"

struct restored_route {
    struct route_key key;
    const struct host_addr *hosts; /* sorted, without duplicates */
    const uint64_t *states;        /* NULL: all hosts are in rotation */
    uint32_t count, ttl_s;
    uint64_t fetched; /* tick */
};

struct restored_extent {
    uint64_t keys, units;  /* how many routes, and what their tables take */
    uint64_t time;         /* Unix time in milliseconds that they are of */
    uint64_t data_version; /* the highest that a directory had told; 0: none had */
};

struct route_source {
    /* Called while the caller holds the lock of the instance, and nothing of it has a name yet. False: there are no routes. */
    bool (*begin)(void *context, struct restored_extent *out);
    /* Yields each route; false: there is no other. *out is valid until the next call. */
    bool (*next)(void *context, struct restored_route *out);
    /* There is no room for an object with so many routes: the instance begins without them. */
    void (*refused)(void *context);
    void *context;
};

#endif
