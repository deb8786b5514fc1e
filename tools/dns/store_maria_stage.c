/* SPDX-License-Identifier: MIT */
/*
 * A large edit of the store in a MariaDB database: in a table beside RouteData, which then takes its place. What others
 * edit meanwhile is caught up with before that, and once more after it: RouteData_old has all of it then. The edit is
 * made of the rows that it finds each time, as if it had come after theirs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tools/dns/maria_batch.h"
#include "tools/dns/maria_rows.h"
#include "tools/dns/maria_stage.h"
#include "tools/dns/store_maria_internal.h"

enum {
    FEW_ROWS = 100,     /* that others have edited while they were read */
    ROUNDS = 5,         /* of catching up with others, before each try of the switch */
    SWITCH_TRIES = 300, /* with SWITCH_MS between them */
    SWITCH_MS = 100,
    AGAIN_TRIES = 200, /* of what comes after the switch */
    AGAIN_MS = 50,
    PIECE_ROUTES = 1000, /* of a statement that announces or logs */
};

struct staging {
    struct store_maria *store;
    struct maria *maria;
    store_make_fn *make;
    void *arg;
    struct maria_stage stage;
    struct table made;           /* what the edit makes of the rows in store->all */
    struct table staged;         /* what RouteData_next has */
    struct changes changes;      /* of the edit */
    struct table undone, redone; /* rows that RouteData has to lose and to get after the switch */
    int64_t number;
    uint64_t version;         /* of what is announced */
    size_t logged, announced; /* routes */
};

static int fail_memory(struct staging *staging)
{
    return maria_fail(staging->maria, "out of memory");
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* What the edit makes of all rows. */
static int apply(struct staging *staging)
{
    const struct changes *changes = &staging->changes;
    struct route_key *keys = calloc(changes->route_count + 1, sizeof(*keys));
    struct table rows = {0}, made = {0};
    bool room = keys;
    for (size_t i = 0; room && i < changes->route_count; i++) {
        const struct edited *route = changes->routes[i];
        keys[i] = route->key;
        for (size_t host = 0; room && host < route->now.count; host++)
            room = table_add(&rows, &(struct row){route->key, route->now.hosts[host]});
    }
    room = room && table_patch(&staging->store->all, keys, changes->route_count, &rows, &made);
    free(keys);
    table_free(&rows);
    if (!room)
        return fail_memory(staging);
    table_free(&staging->made);
    staging->made = made;
    return 0;
}

/* Makes the edit of the rows in store->all. */
static int remake(struct staging *staging)
{
    struct store *base = &staging->store->store;
    changes_free(&staging->changes);
    edit_clear(&base->edit);
    if (staging->make(base, staging->arg) != 0)
        return -1;
    return edit_changes(&base->edit, &staging->changes) == 0 ? apply(staging) : fail_memory(staging);
}

/* Reads a table, and makes the edit of its rows, unless it has been made of just these. */
static int draft(struct staging *staging, const char *table)
{
    struct table *all = &staging->store->all, found = {0};
    if (maria_routes_load(staging->maria, table, &found) != 0)
        return -1;
    bool same = staging->made.rows && rows_same(all->rows, all->count, found.rows, found.count);
    table_free(same ? &found : all);
    if (same)
        return 0;
    *all = found;
    return remake(staging);
}

/* Writes in pieces, each of which is a transaction. */
static int write_difference(struct staging *staging, const struct table *gone, const struct table *come)
{
    struct maria_stage *stage = &staging->stage;
    if (maria_rows_delete(staging->maria, MARIA_STAGE_NEXT, gone->rows, gone->count, true) != 0)
        return -1;
    for (size_t done = 0, piece; done < come->count; done += piece) {
        piece = come->count - done < STORE_PIECE_ROWS ? come->count - done : STORE_PIECE_ROWS;
        if (maria_rows_insert(staging->maria, MARIA_STAGE_NEXT, come->rows + done, piece, true) != 0)
            return -1;
        stage->rows += piece;
        if (stage->progress)
            stage->progress(stage->rows);
    }
    return 0;
}

static int read_next(struct staging *staging)
{
    table_free(&staging->staged);
    return maria_routes_load(staging->maria, MARIA_STAGE_NEXT, &staging->staged);
}

/* RouteData_next gets the rows that the edit makes, and is read to see what it has. Returns how many rows that changed. */
static int64_t write_next(struct staging *staging)
{
    struct table gone = {0}, come = {0};
    int rc = 0;
    if (!table_missing(&staging->staged, &staging->made, &gone) ||
        !table_missing(&staging->made, &staging->staged, &come))
        rc = fail_memory(staging);
    size_t changed = gone.count + come.count;
    if (rc == 0 && changed > 0)
        rc = write_difference(staging, &gone, &come) == 0 ? read_next(staging) : -1;
    table_free(&gone);
    table_free(&come);
    return rc == 0 ? (int64_t)changed : -1;
}

/* Until others have edited little since the last time. */
static int catch_up(struct staging *staging)
{
    int64_t changed = FEW_ROWS + 1;
    for (int i = 0; changed > FEW_ROWS && i < ROUNDS; i++)
        if (draft(staging, "RouteData") != 0 || (changed = write_next(staging)) < 0)
            return -1;
    return rows_same(staging->staged.rows, staging->staged.count, staging->made.rows, staging->made.count)
               ? 0
               : maria_fail(staging->maria, "%s: another program writes to table " MARIA_STAGE_NEXT,
                            staging->maria->name);
}

static int switch_tables(struct staging *staging)
{
    for (int i = 0; i < SWITCH_TRIES; i++) {
        int rc = catch_up(staging) == 0 ? maria_stage_switch(&staging->stage) : -1;
        if (rc <= 0)
            return rc;
        pause_ms(SWITCH_MS);
    }
    return maria_fail(
        staging->maria,
        "%s: a long transaction of another program keeps RouteData in use: try again when it has ended",
        staging->maria->name);
}

static int fill_and_switch(struct staging *staging)
{
    if (maria_stage_begin(&staging->stage) != 0)
        return -1;
    if (maria_stage_copy(&staging->stage) == 0 && read_next(staging) == 0 && switch_tables(staging) == 0)
        return 0;
    maria_stage_cancel(&staging->stage);
    return -1;
}

/* Calls it again while that may help. */
static int persist(struct staging *staging, int (*step)(struct staging *staging))
{
    for (int i = 0;; i++) {
        int rc = maria_connect(staging->maria) == 0 ? step(staging) : -1;
        if (rc == 0 || !staging->maria->again || i == AGAIN_TRIES)
            return rc;
        pause_ms(AGAIN_MS);
    }
}

/* What others edited before the switch, after it was read the last time: what the edit made of it, but for that. */
static int find_late_edits(struct staging *staging)
{
    if (draft(staging, MARIA_STAGE_OLD) != 0)
        return -1;
    table_free(&staging->undone);
    table_free(&staging->redone);
    return table_missing(&staging->staged, &staging->made, &staging->undone) &&
                   table_missing(&staging->made, &staging->staged, &staging->redone)
               ? 0
               : fail_memory(staging);
}

static int announce_rows(struct maria *maria, const struct table *table)
{
    for (size_t i = 0; i < table->count; i++)
        if (maria_run(
                maria,
                "INSERT INTO RouteChange (modid, cmdid, version) SELECT %u, %u, version FROM RouteVersion"
                " WHERE id = 1",
                (unsigned)table->rows[i].key.modid, (unsigned)table->rows[i].key.cmdid) < 0)
            return -1;
    return 0;
}

/* Deletes what it inserts first: when the answer to a commit is lost, it is made again. */
static int make_late_edits(struct staging *staging)
{
    struct maria *maria = staging->maria;
    const struct table *undone = &staging->undone, *redone = &staging->redone;
    if (maria_run(maria, "START TRANSACTION") >= 0 &&
        maria_rows_delete(maria, "RouteData", undone->rows, undone->count, false) == 0 &&
        maria_rows_delete(maria, "RouteData", redone->rows, redone->count, false) == 0 &&
        maria_rows_insert(maria, "RouteData", redone->rows, redone->count, false) == 0 &&
        announce_rows(maria, undone) == 0 && announce_rows(maria, redone) == 0 &&
        maria_run(maria, "COMMIT") >= 0)
        return 0;
    if (maria->mysql && mysql_query(maria->mysql, "ROLLBACK") != 0)
        maria_leave(maria);
    return -1;
}

/* A short transaction, as each other editor makes one: it makes the version larger, and the log's number if there is
 * none yet. */
static int write_version(struct staging *staging, const struct changes *changes)
{
    struct store *base = &staging->store->store;
    int64_t number = staging->number;
    if (store_begin(base) != 0)
        return -1;
    if (base->edit_version < staging->version)
        base->edit_version = staging->version;
    if (store_maria_write(base, changes, base->edit_version, &number) != 0 || store_maria_commit(base) != 0) {
        store_maria_rollback(base);
        return -1;
    }
    staging->number = number;
    return 0;
}

static int number_edit(struct staging *staging)
{
    struct changes first = {.routes = staging->changes.routes,
                            .route_count =
                                staging->changes.route_count < 1 ? staging->changes.route_count : 1};
    if (write_version(staging, &first) != 0)
        return -1;
    staging->logged = staging->announced = first.route_count;
    return 0;
}

static struct changes piece_from(const struct staging *staging, size_t from)
{
    size_t left = staging->changes.route_count - from;
    return (struct changes){.routes = staging->changes.routes + from,
                            .route_count = left < PIECE_ROUTES ? left : PIECE_ROUTES};
}

static int write_log(struct staging *staging)
{
    while (staging->number && staging->logged < staging->changes.route_count) {
        const struct changes piece = piece_from(staging, staging->logged);
        uint64_t begun = batch_now();
        if (store_maria_log_routes(staging->maria, &piece, staging->number) != 0)
            return -1;
        batch_rest(staging->maria, begun);
        staging->logged += piece.route_count;
    }
    return 0;
}

/* With a version that others have yet to reach, so that no directory of Lars deletes what it has not read. */
static int announce(struct staging *staging)
{
    while (staging->announced < staging->changes.route_count) {
        const struct changes piece = piece_from(staging, staging->announced);
        uint64_t version;
        if (maria_number(staging->maria, &version, "SELECT version + 1 FROM RouteVersion WHERE id = 1") != 0)
            return -1;
        if (version > staging->version)
            staging->version = version;
        uint64_t begun = batch_now();
        if (store_maria_announce(staging->maria, &piece, staging->version) != 0)
            return -1;
        batch_rest(staging->maria, begun);
        staging->announced += piece.route_count;
    }
    return 0;
}

static int end_edit(struct staging *staging)
{
    return write_version(staging, &(struct changes){0});
}

static int drop_old(struct staging *staging)
{
    return maria_stage_end(&staging->stage);
}

static int fail_half_made(struct staging *staging, const char *what)
{
    char error[STORE_ERROR_SIZE];
    snprintf(error, sizeof(error), "%.250s", staging->maria->error);
    staging->store->store.half_made = true;
    return maria_fail(staging->maria, "all is imported, but %s: %s", what, error);
}

static int finish(struct staging *staging)
{
    if (persist(staging, find_late_edits) != 0 || persist(staging, make_late_edits) != 0)
        return fail_half_made(staging, "what others edited just before is only in " MARIA_STAGE_OLD
                                       ", which 'DROP TABLE' removes");
    if (persist(staging, number_edit) != 0 || persist(staging, write_log) != 0 ||
        persist(staging, announce) != 0 || persist(staging, end_edit) != 0)
        return fail_half_made(staging, "not all of it is announced and in 'route log'; larshm-dns finds it "
                                       "within 10 seconds, DROP TABLE " MARIA_STAGE_OLD " there");
    if (persist(staging, drop_old) != 0)
        return fail_half_made(staging, "DROP TABLE " MARIA_STAGE_OLD " is left to do");
    return 0;
}

static int stage(struct staging *staging, struct store_edit *done)
{
    if (fill_and_switch(staging) != 0 || finish(staging) != 0)
        return -1;
    const struct changes *changes = &staging->changes;
    *done = (struct store_edit){.keys = changes->route_count,
                                .number = staging->number,
                                .version = staging->store->store.edit_version,
                                .new_routes = changes->new_routes,
                                .added = changes->added_count,
                                .deleted = changes->deleted_count};
    return 0;
}

int store_maria_stage(struct store *base, store_make_fn *make, void *arg, const struct store_large *how,
                      struct store_edit *done)
{
    struct store_maria *store = maria_store(base);
    struct staging staging = {.store = store,
                              .maria = &store->maria,
                              .make = make,
                              .arg = arg,
                              .stage = {.maria = &store->maria, .progress = how->progress}};
    int rc = stage(&staging, done);
    changes_free(&staging.changes);
    edit_clear(&base->edit);
    table_free(&store->all);
    table_free(&staging.made);
    table_free(&staging.staged);
    table_free(&staging.undone);
    table_free(&staging.redone);
    return rc;
}
