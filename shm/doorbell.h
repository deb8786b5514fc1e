/* SPDX-License-Identifier: MIT */
/*
 * A futex in the routes object: clients that wait for a change sleep on it, read-only mapping and all. Each says what for, in
 * bits, and is woken for no more than that.
 */
#ifndef SHM_DOORBELL_H
#define SHM_DOORBELL_H

#include "shm/routes.h"

enum {
    DOORBELL_ANSWERS = 1, /* the directory has answered, be it as before */
    DOORBELL_CHANGES = 2, /* a change was counted, see changes.h; or another generation has the name */
    DOORBELL_OWN_FIRST = 2,
    DOORBELL_OWN_BITS = 30, /* for doorbell_wake() */
};

/* A bit that few other waiters have. */
static inline uint32_t doorbell_own(uint64_t random)
{
    return UINT32_C(1) << (DOORBELL_OWN_FIRST + random % DOORBELL_OWN_BITS);
}

/* The bell's count. Read it before looking for what you wait for; pass it to doorbell_wait() if it was not there. */
uint32_t doorbell_count(const struct routes *routes);

/* Sleeps until the bell rings for one of the bits, or for timeout_ms milliseconds; returns at once if it has rung for any since
 * `count` was read. May wake up spuriously: look again. */
void doorbell_wait(const struct routes *routes, uint32_t count, uint32_t bits, uint32_t timeout_ms);

/* For the fetcher: everything stored before is visible to a waiter that wakes up. A syscall. */
void doorbell_ring(struct routes_header *s_header, uint32_t bits);

/* For a client that ends a wait of its own: wakes who waits for this bit now, which may be others, too. The object may be
 * unmapped by now. */
void doorbell_wake(const struct routes_header *s_header, uint32_t own);

#endif
