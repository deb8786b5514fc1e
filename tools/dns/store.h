/* SPDX-License-Identifier: MIT */
/*
 * The database of routes. Neither the server nor the commands know what kind it is: store_kind.h says what each kind does.
 *
 * Tables and columns are those of Lars. RouteData holds the hosts; RouteVersion one row with a version that only
 * grows; RouteChange the keys that changed, each with the version that changed it. An edit here is one transaction
 * over all three, so that a follower of the store sees all of an edit or nothing.
 *
 * Several directories may follow one store. Each remembers the RouteChange rows that it has handled, and a handled
 * row stays for STORE_KEEP_SECONDS by its version (Unix seconds), so that the others find it as well. A directory that
 * sleeps longer misses the row; it finds the change by reading all of its routes again.
 *
 * Functions that can fail return -1 and store_error() says why; results are untouched then.
 */
#ifndef TOOLS_DNS_STORE_H
#define TOOLS_DNS_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/host_addr.h"
#include "tools/common/store_mode.h"
#include "tools/dns/store_log.h"

enum {
    STORE_KEEP_SECONDS = 60,
    STORE_PATH_SIZE = 4096 + 8,
};

struct store;

/* Opens and checks the database: a file, or what tools/common/maria_url.h describes. On failure, `error` says why and
 * what to do, and *out is untouched. */
int store_open(struct store **out, const char *db, enum store_mode mode, char error[static STORE_ERROR_SIZE]);
void store_close(struct store *store);
const char *store_error(const struct store *store);

/* Reads at most `cap` hosts of a route, in the order of address and port. No such route: *count is 0. */
int store_read(struct store *store, struct route_key key, struct host_addr *hosts, size_t cap, size_t *count);

/* Calls `row` for each host, in order of key and host; NULL ids mean any. A non-zero result of `row` ends it. */
typedef int store_row_fn(void *arg, struct route_key key, struct host_addr host);
int store_list(struct store *store, const uint32_t *modid, const uint32_t *cmdid, store_row_fn *row,
               void *arg);

/*
 * Reads in between see the store as it was at the first of them, and cost less than half: files are locked once, not for
 * each. One that fails ends it. Call nothing else in between, and end it soon: meanwhile no checkpoint empties the -wal.
 */
int store_begin_reading(struct store *store);
void store_end_reading(struct store *store);

/*
 * Before a loop serves the store. Loading reads all of a distant database into memory; reads come from there then, and
 * never wait. After watching, which returns 0 or an errno, `wake` is called by another thread whenever store_poll() has
 * something. Both do nothing for a file.
 */
typedef void store_wake_fn(void *arg);
int store_load(struct store *store);
int store_watch(struct store *store, store_wake_fn *wake, void *arg);
void store_unwatch(struct store *store);

/* Of one that is loaded: why following it takes longer than it need, and what to do; NULL: nothing of that kind. */
const char *store_slow(const struct store *store);

struct store_size {
    uint64_t routes, hosts;
};
int store_measure(struct store *store, struct store_size *size);

/*
 * Calls `changed` for each key that RouteChange names and this handle has not handled yet; a key may come more than
 * once. Rows of a version that RouteVersion has not reached come when it has. Returns 0 when nothing in the store
 * changed since the last call: a poll of a quiet store is cheap; 1 when something did, named or not; 2 when it went back
 * to an older version, as when a backup is restored into it: each route may be another.
 */
typedef void store_changed_fn(void *arg, struct route_key key);
int store_poll(struct store *store, store_changed_fn *changed, void *arg);

/* RouteVersion as it was seen last: reads give the routes of that version, or of a later one. False: it is not known. */
bool store_version(const struct store *store, uint64_t *version);

/* The file that each edit writes to before it ends; another one after store_follow() has returned 1. */
void store_edited_path(const struct store *store, char path[static STORE_PATH_SIZE]);

/*
 * Goes over to another file at the path, as database_follow() says, and returns what that does. After 1 each route may be
 * another.
 */
int store_follow(struct store *store);

/* Deletes some of the handled RouteChange rows that are too old to keep. Does not wait for a lock; call it now and then. */
int store_clean(struct store *store);

/*
 * An edit: begin, add, delete, set or undo, then commit or roll back. Other processes' edits wait meanwhile. It is made in
 * memory and written by the commit; store_read() does not see it before. Adding and deleting return how many hosts that
 * changed; `host` NULL deletes the whole route. After a failure, roll back.
 */
struct store_edit {
    uint64_t keys;    /* routes that changed; 0: the store is as before */
    int64_t number;   /* in the log; 0: as before, or there is no log */
    uint64_t version; /* of the store, after the edit */
    uint64_t new_routes;
    uint64_t added, deleted; /* hosts */
};
int store_begin(struct store *store);
int store_add(struct store *store, struct route_key key, struct host_addr host);
int store_delete(struct store *store, struct route_key key, const struct host_addr *host);
int store_commit(struct store *store, struct store_edit *edit);
void store_rollback(struct store *store);

/*
 * A whole edit: begins it, has `make` change what it wants to, and commits; rolled back when one of them fails. Where
 * another editor of the database came first, `make` is called once more, for 20 seconds at most: what it learned before
 * does not count. It returns 0 or -1.
 */
typedef int store_make_fn(struct store *store, void *arg);
int store_make(struct store *store, store_make_fn *make, void *arg, struct store_edit *done);

/*
 * Likewise, for one that may be large: other editors wait for none of its parts, and readers see all of it or nothing.
 * `make` is called several times. In a MariaDB database it is made in a table that then takes RouteData's place, unless
 * `one_transaction`; `progress` may be NULL.
 */
enum {
    STORE_PIECE_ROWS = 10000, /* at most so many rows are one transaction */
};
struct store_large {
    bool one_transaction;
    void (*progress)(uint64_t rows); /* that were written */
};
int store_make_large(struct store *store, store_make_fn *make, void *arg, const struct store_large *how,
                     struct store_edit *done);

/* Whether a large edit that failed has changed the routes all the same, and store_error() says what is missing. */
bool store_half_made(const struct store *store);

/* Why edits are not in the log; NULL: they are. Call it after an edit. */
const char *store_unlogged(const struct store *store);

/* The route has these hosts then and no others; sorts them. Returns how many were added; *deleted: how many deleted. */
int store_set(struct store *store, struct route_key key, struct host_addr *hosts, size_t count, int *deleted);

/*
 * Sets each route that an edit changed to what it was before. Fails for one that has changed since, unless by `force`.
 * Returns how many routes the edit has in the log; 0: there is no such edit.
 */
int store_undo(struct store *store, int64_t edit, bool force);

/* Calls `row` for each row of the log, oldest edit first; NULL ids mean any. A non-zero result of `row` ends it. */
int store_log(struct store *store, const uint32_t *modid, const uint32_t *cmdid, store_log_row_fn *row,
              void *arg);

#endif
