/* SPDX-License-Identifier: MIT */
/*
 * A SQLite file with the tables of Lars, in WAL mode: readers never wait for an editor, nor an editor for readers.
 * Each store opens one for itself and brings the statements that it needs.
 *
 * Functions that can fail return -1, and `error` says why and what to do.
 */
#ifndef TOOLS_COMMON_DATABASE_H
#define TOOLS_COMMON_DATABASE_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/common/content.h"
#include "tools/common/file_id.h"
#include "tools/common/store_mode.h"

enum {
    DATABASE_BUSY_MS =
        5000, /* how long a statement waits for another process's edit, if no other time is set */
    DATABASE_PATH_SIZE = 4096 + sizeof("-wal"),
};

/* What a store needs of its database. */
struct database_use {
    const char *setup;             /* SQL for the connection, before the statements are prepared; or NULL */
    const char *const *statements; /* their parameters are integers, ?1 to ?9 */
    size_t count;
    const char *makers;  /* the commands that make a missing file, as in "'serve --create' makes" */
    const char *missing; /* what happens while there is none, as in "results are kept in memory" */
};

/* The files of an open database. They stay the same ones as long as it is open, unless they are replaced or deleted. */
struct database_files {
    struct file_id main, wal, shm;
};

struct database {
    sqlite3 *sqlite; /* NULL after database_disconnect() */
    struct database_files files;
    struct content content; /* of the main file */
    enum content_state state;
    sqlite3_stmt **statements; /* as in use->statements */
    const struct database_use *use;
    char *path;
    char error[STORE_ERROR_SIZE];
};

/* Opens and checks the file. Close the database also after a failure. `use` stays the caller's. */
int database_open(struct database *db, const char *path, enum store_mode mode,
                  const struct database_use *use);

/* For an open database, a failed one, and one that is all zero. */
void database_close(struct database *db);

/*
 * Ends the connection and leaves the files as they are. Until the database is closed or another takes its place, its
 * statements fail and the error stays what it was.
 */
void database_disconnect(struct database *db);

/* Fails when tables are missing: another program has dropped them. */
int database_check_tables(struct database *db);

/* The files as they are now: those at the path, and beside the file that is open. */
struct database_files database_files(const struct database *db);

/* The path of a file beside the one that is open. */
void database_path(const struct database *db, const char *suffix, char path[static DATABASE_PATH_SIZE]);

/* Sets how long a statement waits for another process's edit. */
void database_set_wait(struct database *db, int ms);

/* Sets the error. Returns -1. */
__attribute__((format(printf, 2, 3))) int database_fail(struct database *db, const char *format, ...);

/* A statement ready to step, its parameters bound. Reset it after use. */
sqlite3_stmt *database_bind(struct database *db, int which, size_t count, const int64_t *values);
#define DATABASE_BIND(db, which, ...)                                                                        \
    database_bind(db, which, sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (int64_t[]){__VA_ARGS__})

/* Ends a loop over rows: `result` is what the last step returned. */
int database_finish(struct database *db, sqlite3_stmt *statement, int result);

/* Runs a statement to its end. Returns how many rows it changed. */
int database_run(struct database *db, sqlite3_stmt *statement);

/* The first column of the first row; `fallback` when there is none. */
int database_query(struct database *db, sqlite3_stmt *statement, int64_t fallback, int64_t *value);

#endif
