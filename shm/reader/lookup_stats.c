/* SPDX-License-Identifier: MIT */
#include "shm/reader/lookup_stats.h"

#include "shm/atomic.h"

void lookup_stats_add(const struct control *control, uint32_t cell, uint32_t lookups, uint32_t missed,
                      uint32_t expired)
{
    struct lookup_cell *s_cell = &control->s_lookups[cell % LOOKUP_CELLS];
    /* Relaxed: sums for people; no other word depends on them. */
    if (lookups)
        add_relaxed(&s_cell->lookups, lookups);
    if (missed)
        add_relaxed(&s_cell->missed, missed);
    if (expired)
        add_relaxed(&s_cell->expired, expired);
}
