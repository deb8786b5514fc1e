/* SPDX-License-Identifier: MIT */
#include "reader/cursor.h"

#include "shm/clock.h"

static_assert(UNIT_BYTES * CURSOR_PAIRS == 1 << 17, "what is left of an address of 32 bits is a tag of 16");

static _Alignas(CACHE_LINE) struct cursors sets[CURSOR_SETS][CURSOR_PAIRS];
static _Atomic uint64_t used[CURSOR_SETS]; /* ticks */

/* Of several that were used in the same tick, another one for each thread. */
static uint32_t least_recent(uint64_t *when)
{
    uint32_t first = thread_number() % CURSOR_SETS, set = first;
    *when = load_relaxed(&used[first]);
    for (uint32_t i = 1; i < CURSOR_SETS; i++) {
        uint32_t other = (first + i) % CURSOR_SETS;
        uint64_t then = load_relaxed(&used[other]);
        if (then < *when) {
            *when = then;
            set = other;
        }
    }
    return set;
}

/*
 * Another thread that begins may take the same set in between: then the next one, and after so many tries any. What an earlier
 * thread has left goes: the first pick of each thread is at its `start`, plus what is the same for all.
 */
void cursor_begin(struct thread_state *mine)
{
    uint64_t now = clock_tick(), when;
    uint32_t set;
    int tries = 0;
    do
        set = least_recent(&when);
    while (!exchange_acq_rel(&used[set], &when, now) && ++tries < CURSOR_SETS);
    if (when) /* else it is new */
        for (int pair = 0; pair < CURSOR_PAIRS; pair++) {
            store_relaxed(&sets[set][pair].latest, 0);
            store_relaxed(&sets[set][pair].older, 0);
        }
    mine->cursors = sets[set];
}

void cursor_keep(const struct thread_state *mine, uint64_t now)
{
    if (mine->cursors)
        store_relaxed(&used[(mine->cursors - sets[0]) / CURSOR_PAIRS], now);
}
