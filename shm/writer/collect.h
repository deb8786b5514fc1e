/* SPDX-License-Identifier: MIT */
/*
 * The fetcher half of the control object: taking what clients asked for. Whatever is in there, a call ends after
 * a bounded number of steps, reads each word once, and reports only things and keys that can exist. The caller
 * decides whether a flag is justified.
 */
#ifndef SHM_WRITER_COLLECT_H
#define SHM_WRITER_COLLECT_H

#include <stdbool.h>

#include "shm/control.h"

/* Takes flags, 64 at a time so that none starves, and calls `flagged` for each. When it has said false, or `budget`
 * of them are taken, the rest of the 64 at hand still come; all others stay up. *cursor is the word where the last
 * harvest stopped and the next one goes on; 0 at first. */
void collect_flags(const struct hbitmap *flags, uint32_t *cursor, uint32_t budget,
                   bool (*flagged)(void *context, uint32_t at), void *context);

/* Takes keys that clients missed and calls `missed` for each until it says false; the rest stay. *cursor is a cell. */
void collect_misses(const struct control *control, uint32_t *cursor,
                    bool (*missed)(void *context, struct route_key key), void *context);

/* Takes the lookup counts. */
struct lookup_counts collect_lookups(const struct control *control);

#endif
