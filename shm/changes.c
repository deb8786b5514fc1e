/* SPDX-License-Identifier: MIT */
#include "shm/changes.h"

#include "shm/atomic.h"

uint64_t changes_count(const struct routes *routes)
{
    /* Pairs with the release in changes_end(): who has this count finds what has changed. Without it a reader could look
     * the route up, find it as it was before the change, and not look again. */
    return load_acquire(&routes->s_header->changes);
}

/* The entry of the next change is written before that change is counted, so one entry less than there are is valid. */
static bool is_in_ring(const struct routes *routes, uint64_t position, uint64_t count)
{
    return position != 0 && count - position <= routes->ring_mask;
}

static enum shm_status overrun(const struct routes *routes, uint64_t *position)
{
    *position = changes_count(routes);
    return SHM_OVERRUN;
}

/* Bounded by the entries of the ring, whatever the object holds. */
enum shm_status changes_next(const struct routes *routes, uint64_t *position, struct route_key *key)
{
    uint64_t count = changes_count(routes);
    if (!is_in_ring(routes, *position, count))
        return overrun(routes, position);
    while (*position != count) {
        uint64_t word = load_relaxed(&routes->s_ring[*position & routes->ring_mask]);
        /* Pairs with the release of the entry in changes_begin(): had the load above seen the key of a later change, then
         * the one below sees how far the ring had come before. Without it that key would be listed in place of one that
         * is never listed. */
        fence_acquire();
        if (!is_in_ring(routes, *position, load_relaxed(&routes->s_header->changes)))
            return overrun(routes, position);
        ++*position;
        if (word != 0) { /* 0: no fetcher has filled it */
            *key = route_key_from_word(word);
            return SHM_OK;
        }
    }
    return SHM_END;
}
