/* SPDX-License-Identifier: MIT */
/*
 * A futex in the control object: a client that will sleep until its demand is answered knocks, and the fetcher looks at
 * once. Lookups do not. Any client can store any value there and wake or not wake, so it is a hint, and the fetcher looks
 * in each poll as well.
 */
#ifndef SHM_KNOCK_H
#define SHM_KNOCK_H

#include <stdbool.h>

#include "shm/control.h"

/* For a client that has stored its demand. A syscall. */
void knock(_Atomic uint32_t *s_knock);

/* For the fetcher: true if a client has knocked since the last call; what it stored before is visible then. */
bool knock_take(_Atomic uint32_t *s_knock);

/*
 * Sleeps until a client knocks, for timeout_ms milliseconds at most; returns at once if one has since knock_take(). False:
 * the time is over. The kernel alone reads the object, so it may be truncated or unmapped: before that ends at once, or
 * meanwhile, and then no knock ends it any more.
 */
bool knock_wait(const _Atomic uint32_t *s_knock, uint32_t timeout_ms);

#endif
