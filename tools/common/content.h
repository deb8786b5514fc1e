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
    CONTENT_REPLACED, /* another program has written to it: SQLite writes to the file in a checkpoint only */
    CONTENT_MIXED,    /* likewise, and the -wal holds edits of what was there before */
};

/* What is compared. */
struct content {
    struct timespec written;
    uint32_t salt[2], backfilled, backfilling, last_frame; /* of the -wal, as SQLite's wal-index says */
    bool known;
};

/* The state of the open file at the path. *content is that of the last call; zero-initialise. */
enum content_state content_check(sqlite3 *sqlite, const char *path, struct content *content);

#endif
