/* SPDX-License-Identifier: MIT */
/*
 * Which routes have changed: the reader half of the ring of changes. A position is the number of the next change that a
 * reader has not seen. 0 is none that any ring has had.
 */
#ifndef SHM_CHANGES_H
#define SHM_CHANGES_H

#include "shm/routes.h"
#include "shm/status.h"

/* The number of the next change. What has changed before it is visible to lookups that follow. */
uint64_t changes_count(const struct routes *routes);

/*
 * The change at *position, which moves behind it. SHM_END: there is none so far. SHM_OVERRUN: the position is none of this
 * ring's, or its change is no longer in it; *position is that of the next change then.
 */
enum shm_status changes_next(const struct routes *routes, uint64_t *position, struct route_key *key);

#endif
