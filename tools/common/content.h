/* SPDX-License-Identifier: MIT */
/*
 * Whether the file of an open database is still what SQLite made of it. Other programs may empty it, or copy another one
 * over it, and SQLite does not notice: it goes on with what it has in memory and in the -wal.
 */
#ifndef TOOLS_COMMON_CONTENT_H
#define TOOLS_COMMON_CONTENT_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

enum content_state {
    CONTENT_SOUND,
    CONTENT_LOST,     /* emptied, or no database any more */
    CONTENT_REPLACED, /* other content without a checkpoint: SQLite writes to the file in one only */
    CONTENT_MIXED,    /* likewise, and the -wal holds edits of what was there before */
};

/* What is compared: the sum where there was no checkpoint, but the file has another time. */
struct content {
    uint64_t sum; /* of the main file, of a long one only of its size */
    struct timespec written, summed;
    uint32_t salt[2], backfilled, backfilling, last_frame; /* of the -wal, as SQLite's wal-index says */
    bool known, mixed;
};

/* Whether the open file is no database any more. */
bool content_lost(sqlite3 *sqlite);

/*
 * The state of the open file at the path. *content is what was known of it at the last call; zero-initialise. After the
 * first call, after a checkpoint, and at a new time of the file, the whole file is read. CONTENT_MIXED ends when what was
 * there before is put back, but not after a checkpoint, which lays the edits over what is there now.
 */
enum content_state content_check(sqlite3 *sqlite, const char *path, struct content *content);

#endif
