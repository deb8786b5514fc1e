/* SPDX-License-Identifier: MIT */
/*
 * The fetcher half of the control object: taking what clients asked for. Whatever is in there, a call ends after
 * a bounded number of steps, reads each word once, and reports only slots and keys that can exist. The caller
 * decides whether a flag is justified.
 */
#ifndef SHM_HARVEST_H
#define SHM_HARVEST_H

#include <stdbool.h>

#include "shm/control.h"

/* Where the last harvest stopped, so that the next one goes on there and no slot starves. Zero-initialise. */
struct harvest_cursor {
    uint32_t flag_word;
    uint32_t miss_cell; /* a cell of it, by its number: harvests go on there */
};

/* Takes flags, 64 slots at a time so that none starves, and calls `flagged` for each. When it has said false, or
 * `budget` of them are taken, the rest of the 64 at hand still come; all others stay up. */
void harvest_flags(const struct control *control, struct harvest_cursor *cursor, uint32_t budget,
                   bool (*flagged)(void *context, uint32_t slot), void *context);

/* Takes keys that clients missed and calls `missed` for each until it says false; the rest stay. */
void harvest_misses(const struct control *control, struct harvest_cursor *cursor,
                    bool (*missed)(void *context, uint64_t key), void *context);

/* Takes the lookup counts. */
struct lookup_counts harvest_lookups(const struct control *control);

#endif
