/* SPDX-License-Identifier: MIT */
/* How long a fetcher has given no sign of life. */
#ifndef READER_SILENCE_H
#define READER_SILENCE_H

#include "reader/state.h"
#include "shm/atomic.h"

/*
 * Milliseconds since the tick moved. A process whose clock cannot be compared with the fetcher's begins to count when
 * it sees a tick for the first time. No syscall but clock_tick()'s.
 */
uint64_t silence_ms(struct mapping *mapping);

/* What the fetcher's clock says, whatever clock this process has. */
static inline uint64_t silence_fetcher_tick(struct mapping *mapping)
{
    return load_relaxed(&mapping->routes.s_header->tick) + silence_ms(mapping);
}

#endif
