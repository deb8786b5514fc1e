/* SPDX-License-Identifier: MIT */
/* Picks the next host of a table (Lars' get_host). table_intact() later validates what was read of the table. */
#ifndef READER_PICK_H
#define READER_PICK_H

#include "reader/cursor.h"
#include "reader/limited.h"
#include "reader/lookup.h"

enum {
    TRIED_MAX = 8 /* hosts that a caller of larshm_get_host_except() may name */
};

static inline bool host_was_tried(struct host_addr host, const larshm_host *tried, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (tried[i].addr == host.address && tried[i].port == host.port)
            return true;
    return false;
}

/* Where the thread's next pick of the route is among `count` hosts, or 0: among eighths of many. Of few hosts nothing is added to a
 * position: between two it is one of two, half the circle apart, and must not get to the other half. */
static inline uint32_t pick_position(const struct block *s_block, uint32_t count)
{
    const uint32_t position = cursor_next(&thread_state, s_block, count);
    return count - 1 < INNER_HOSTS ? position : position + (thread_random(&thread_state) >> 16);
}

/* The thread's next pick of the route, 0 .. count - 1. */
static inline uint32_t pick_next(const struct block *s_block, uint32_t count)
{
    return (uint32_t)cursor_host(pick_position(s_block, count), count);
}

static inline bool pick_by_lars_rules(const struct mapping *mapping)
{
    return load_relaxed(&mapping->routes.s_header->settings.lars_rules) != 0;
}

/*
 * Of a table with limited hosts. Hosts with a full share get the same number of picks, those that have come back a moment ago
 * so many eighths of that. The share of an ejected host goes to the others, but for probes: where a pick falls to one of them,
 * the route's next probe is made if it is due, so an ejected host never gets more than an even share. PICK_NONE: none may be
 * picked now.
 */
uint32_t pick_limited(struct mapping *mapping, const struct block *s_block, uint32_t count);

/* The same by Lars' rules: after each probe_num picks, or LARSHM_OVERLOAD answers, one of the ejected hosts is probed. */
uint32_t pick_limited_lars(struct mapping *mapping, const struct block *s_block, uint32_t count);

/* A host in rotation that was not tried, any in rotation if there is none, or PICK_NONE. */
uint32_t pick_limited_except(struct mapping *mapping, const struct block *s_block, uint32_t count,
                             const larshm_host *tried, size_t tried_count);

/* LARSHM_OK: host *at. LARSHM_OVERLOAD: none now. */
static inline int pick_host(const struct lookup *lookup, uint32_t *at)
{
    const struct table *table = &lookup->table;
    if (__builtin_expect(table->limited == 0, 1))
        *at = pick_next(table->s_block, table->count);
    else if (pick_by_lars_rules(lookup->mapping))
        *at = pick_limited_lars(lookup->mapping, table->s_block, table->count);
    else
        *at = pick_limited(lookup->mapping, table->s_block, table->count);
    return *at == PICK_NONE ? LARSHM_OVERLOAD : LARSHM_OK;
}

/* Likewise a host in rotation that was not tried, any in rotation if there is none, and what pick_host() says if no host is
 * in rotation. Never a probe while one is. */
static inline int pick_host_except(const struct lookup *lookup, const larshm_host *tried, size_t count,
                                   uint32_t *at)
{
    const struct table *table = &lookup->table;
    *at = pick_limited_except(lookup->mapping, table->s_block, table->count, tried, count);
    return *at == PICK_NONE ? pick_host(lookup, at) : LARSHM_OK;
}

#endif
