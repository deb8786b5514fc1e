/* SPDX-License-Identifier: MIT */
/* Picks the next host of a table (Lars' get_host). table_intact() later validates what was read of the table. */
#ifndef READER_PICK_H
#define READER_PICK_H

#include "reader/cursor.h"
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

/* The thread's next pick of the route, 0 .. count - 1. Between two hosts there are two positions, half the circle apart, and
 * nothing is added that could take one of them to the other half. */
static inline uint32_t pick_next(const struct lookup *lookup, uint32_t count)
{
    const uint32_t position = cursor_next(&thread_state, lookup->table.s_block, count);
    return (uint32_t)cursor_host(count == 2 ? position : position + cursor_fine(&thread_state), count);
}

/* The slow path of pick_host(): for a table with hosts out of rotation. */
int pick_host_slow(const struct lookup *lookup, uint32_t *at);

/* LARSHM_OK: host *at. LARSHM_OVERLOAD: none now. */
static inline int pick_host(const struct lookup *lookup, uint32_t *at)
{
    if (__builtin_expect(lookup->table.ejected != 0, 0))
        return pick_host_slow(lookup, at);
    *at = pick_next(lookup, lookup->table.count);
    return LARSHM_OK;
}

/* Likewise a host in rotation that was not tried, any in rotation if there is none, and what pick_host() says if no host is
 * in rotation. Never a probe while one is. */
int pick_host_except(const struct lookup *lookup, const larshm_host *tried, size_t count, uint32_t *at);

#endif
