/* SPDX-License-Identifier: MIT */
#include "reader/silence.h"

#include "shm/atomic.h"
#include "shm/clock.h"

uint64_t silence_ms(struct mapping *mapping)
{
    uint64_t now = clock_tick(), since = load_relaxed(&mapping->routes.s_header->tick);
    if (!clock_is_shared()) {
        /* The acquire pairs with the release below, of another thread: with its tick comes the time at which it was
         * seen. With an older time a fetcher that has just moved would seem silent. */
        if (load_acquire(&mapping->seen_tick) != since) {
            store_relaxed(&mapping->seen_at, now);
            store_release(&mapping->seen_tick, since);
        }
        since = load_relaxed(&mapping->seen_at);
    }
    return now > since ? now - since : 0;
}
