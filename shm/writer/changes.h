/* SPDX-License-Identifier: MIT */
/* The writer half of the ring of changes, see shm/changes.h. */
#ifndef SHM_WRITER_CHANGES_H
#define SHM_WRITER_CHANGES_H

#include "shm/atomic.h"
#include "shm/routes.h"

/*
 * Before and after the stores of each change that readers are to learn of. A fetcher that dies in between leaves the key where
 * the next one counts it, see changes_carry().
 */
static inline void changes_begin(const struct routes *routes, struct route_key key)
{
    uint64_t count = load_relaxed(&routes->s_header->changes);
    /* Release: pairs with the fence_acquire() in changes_next(). A reader that sees this key, where it looks for an earlier
     * change, also sees the count of the change before this one, and that its own is no longer in the ring. */
    store_release(&routes->s_ring[count & routes->ring_mask], route_key_word(key));
}

static inline void changes_end(const struct routes *routes)
{
    uint64_t count = load_relaxed(&routes->s_header->changes);
    /* Release: pairs with the acquire in changes_count(). The change, and its entry, come with the count. */
    store_release(&routes->s_header->changes, count + 1);
}

/* Begins the ring of an object that has no name yet and follows none: `random` keeps positions of others from being in it. */
void changes_start(struct routes_header *s_header, uint64_t random);

/*
 * Makes the ring of an object that has no name yet that of `from`, if it has one: positions in that one stay valid. `died`:
 * its fetcher may have died during a change.
 */
void changes_carry(const struct routes *to, const struct routes *from, bool died);

#endif
