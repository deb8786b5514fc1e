/* SPDX-License-Identifier: MIT */
/* A futex in the routes object: clients that wait for a change sleep on it, read-only mapping and all. */
#ifndef SHM_DOORBELL_H
#define SHM_DOORBELL_H

#include "shm/routes.h"

/* The bell's count. Read it before looking for what you wait for; pass it to doorbell_wait() if it was not there. */
uint32_t doorbell_count(const struct routes *routes);

/* Sleeps until the bell rings, or for timeout_ms milliseconds; returns at once if it has rung since `count` was read.
 * May wake up spuriously: look again. */
void doorbell_wait(const struct routes *routes, uint32_t count, uint32_t timeout_ms);

/* For the fetcher: everything stored before is visible to a waiter that wakes up. A syscall. */
void doorbell_ring(struct routes_header *s_header);

#endif
