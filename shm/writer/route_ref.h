/* SPDX-License-Identifier: MIT */
/*
 * A route as the fetcher found it with one probe of the index. Whatever is done to the route afterwards goes through the
 * ref and probes no more. Valid until a new generation is made; writer.h says which calls may do that.
 */
#ifndef SHM_WRITER_ROUTE_REF_H
#define SHM_WRITER_ROUTE_REF_H

#include <stdbool.h>

#include "shm/index.h"
#include "shm/table.h"

struct route_ref {
    struct route_key key;
    uint32_t slot;      /* SLOT_NONE: the route is not here */
    uint32_t empty;     /* the slot that it would take, then; SLOT_NONE: there is none */
    struct table table; /* of a route that is here */
};

enum route_state {
    ROUTE_UNKNOWN, /* not here */
    ROUTE_NEW,     /* may be requested */
    ROUTE_PULLING, /* requested */
};

static inline bool route_ref_is_here(const struct route_ref *route)
{
    return route->slot != SLOT_NONE;
}

/* As stored now: the fetcher changes it in place. */
static inline uint64_t route_ref_expires(const struct route_ref *route)
{
    return load_relaxed(&route->table.s_block->expires);
}

static inline enum route_state route_ref_state(const struct route_ref *route)
{
    if (!route_ref_is_here(route))
        return ROUTE_UNKNOWN;
    return route_ref_expires(route) & EXPIRES_PULLING ? ROUTE_PULLING : ROUTE_NEW;
}

/* True if the route is here, NEW, and has expired: a client's flag is justified (Lars rule 4). PULLING
 * makes `expires` larger than any tick. */
static inline bool route_ref_is_expired(const struct route_ref *route, uint64_t now)
{
    return route_ref_is_here(route) && now > route_ref_expires(route);
}

/* Hosts of the table; 0 if the route is not here. */
static inline uint32_t route_ref_count(const struct route_ref *route)
{
    return route_ref_is_here(route) ? route->table.count : 0;
}

/* Copies the hosts, in order. `out` has room for HOSTS_MAX. Returns how many. */
uint32_t route_ref_hosts(const struct route_ref *route, struct host_addr *out);

/* Where a host is in the table; HOST_NONE: it is not. */
#define HOST_NONE UINT32_MAX
uint32_t route_ref_find_host(const struct route_ref *route, struct host_addr host);

/* How many hosts of the route are out of rotation. */
uint32_t route_ref_count_out(const struct route_ref *route);

/* True if some host of the route gets less than its even share of picks. */
bool route_ref_any_limited(const struct route_ref *route);

static inline uint16_t route_ref_marks(const struct route_ref *route)
{
    return route_ref_is_here(route) ? load_relaxed(&route->table.s_block->marks) : 0;
}

/* True if an answer is held back. */
static inline bool route_ref_is_held(const struct route_ref *route)
{
    return (route_ref_marks(route) & ~MARK_SPARED) != 0;
}

/* True if a host fails and is not ejected; see writer_set_spared(). */
static inline bool route_ref_is_spared(const struct route_ref *route)
{
    return (route_ref_marks(route) & MARK_SPARED) != 0;
}

#endif
