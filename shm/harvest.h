/* SPDX-License-Identifier: MIT */
/*
 * The fetcher half of the control object: taking what clients asked for. Whatever is in there, a call ends after
 * a bounded number of steps, reads each word once, and reports only slots and keys that can exist. The caller
 * decides whether a flag is justified.
 */
#ifndef SHM_HARVEST_H
#define SHM_HARVEST_H

#include "shm/control.h"

/* Where the last harvest stopped, so that the next one goes on there and no slot starves. Zero-initialise. */
struct harvest_cursor {
    uint32_t flag_word, miss_group;
};

/* Takes flags, some 64 at a time, and calls `flagged` for each, until `budget` of them are taken; the rest stay
 * up. Returns how many were taken. */
uint32_t harvest_flags(const struct control *control, struct harvest_cursor *cursor, uint32_t budget,
                       void (*flagged)(void *context, uint32_t slot), void *context);

/* Takes up to `budget` keys that clients missed. Returns how many were taken. */
uint32_t harvest_misses(const struct control *control, struct harvest_cursor *cursor, uint32_t budget,
                        void (*missed)(void *context, uint64_t key), void *context);

/* Takes the lookup counts. */
struct lookup_counts harvest_lookups(const struct control *control);

#endif
