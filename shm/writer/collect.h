/* SPDX-License-Identifier: MIT */
/*
 * The fetcher half of the control object: collects the demands of clients. Whatever is in there, a call ends after a
 * bounded number of steps, reads each word once, and passes on only slots and keys that can exist. The caller decides
 * whether a flag is justified.
 */
#ifndef SHM_WRITER_COLLECT_H
#define SHM_WRITER_COLLECT_H

#include <stdbool.h>

#include "shm/control.h"

/* Collects flags, 64 at a time so that none starves, and calls `flagged` for each. When it has returned false, or
 * `budget` of them are collected, the rest of the current 64 still come; all others stay set. *cursor is the word where
 * the last collection stopped and the next one goes on; 0 at first. */
void collect_flags(const struct hbitmap *flags, uint32_t *cursor, uint32_t budget,
                   bool (*flagged)(void *context, uint32_t at), void *context);

/* Collects keys that clients missed and calls `missed` for each until it returns false; the rest stay. *cursor is a
 * cell. */
void collect_misses(const struct control *control, uint32_t *cursor,
                    bool (*missed)(void *context, struct route_key key), void *context);

/* Collects the lookup counts. */
struct lookup_counts collect_lookups(const struct control *control);

#endif
