/* SPDX-License-Identifier: MIT */
/* The store in one SQLite file. */
#include <stdio.h>
#include <stdlib.h>

#include "tools/common/database.h"
#include "tools/common/follow.h"
#include "tools/reporter/status_kind.h"

#define KEY    "modid, cmdid, ip, port, caller"
#define VALUES "succ_cnt, err_cnt, ts, overload"

enum {
    ROOM = 1 << 17, /* some 6 MB */
};

enum statement {
    BEGIN,
    WRITE,
    COMMIT,
    ROLLBACK,
    LIST,
    STATEMENTS
};

static const char *const statements[STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [WRITE] = "INSERT INTO ServerCallStatus (" KEY ", " VALUES ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
              " ON CONFLICT (" KEY ") DO UPDATE SET succ_cnt = excluded.succ_cnt,"
              " err_cnt = excluded.err_cnt, ts = excluded.ts, overload = excluded.overload",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [LIST] = "SELECT " KEY ", succ_cnt, err_cnt, ts, overload <> '0' FROM ServerCallStatus"
             " WHERE modid BETWEEN ?1 AND ?2 AND cmdid BETWEEN ?3 AND ?4 ORDER BY " KEY,
};

static const struct database_use use = {
    .statements = statements,
    .count = STATEMENTS,
    .makers = "'serve --create' makes",
    .missing = "results are kept in memory",
};

struct status_sqlite {
    struct status_store store;
    struct database db;
};

static struct status_sqlite *sqlite_store(struct status_store *store)
{
    return (struct status_sqlite *)store;
}

static void close_file(struct status_store *base)
{
    struct status_sqlite *store = sqlite_store(base);
    database_close(&store->db);
    free(store);
}

static int follow(struct status_store *base)
{
    return database_follow(&sqlite_store(base)->db);
}

static int write_status(struct database *db, const struct status *status)
{
    return database_run(db,
                        DATABASE_BIND(db, WRITE, status->route.modid, status->route.cmdid,
                                      ntohl(status->host.address), ntohs(status->host.port), status->caller,
                                      status->successes, status->failures, status->time, status->overloaded));
}

/* All of them or nothing. */
static int write_rows(struct status_store *base, const struct status *rows, size_t count, int wait_ms,
                      struct status_written *written)
{
    struct database *db = &sqlite_store(base)->db;
    database_set_wait(db, wait_ms);
    if (database_run(db, db->statements[BEGIN]) < 0)
        return -1;
    int rc = 0;
    for (size_t i = 0; i < count && rc >= 0; i++)
        rc = write_status(db, &rows[i]);
    if (rc < 0 || database_run(db, db->statements[COMMIT]) < 0) {
        sqlite3_step(db->statements[ROLLBACK]);
        sqlite3_reset(db->statements[ROLLBACK]);
        return -1;
    }
    written->done = count;
    return 0;
}

static int list(struct status_store *base, const uint32_t *modid, const uint32_t *cmdid, status_row_fn *row,
                void *arg)
{
    struct database *db = &sqlite_store(base)->db;
    sqlite3_stmt *statement = DATABASE_BIND(db, LIST, modid ? *modid : 0, modid ? *modid : UINT32_MAX,
                                            cmdid ? *cmdid : 0, cmdid ? *cmdid : UINT32_MAX);
    struct status status;
    int result;
    while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
        const struct status_columns columns = {
            .modid = sqlite3_column_int64(statement, 0),
            .cmdid = sqlite3_column_int64(statement, 1),
            .ip = sqlite3_column_int64(statement, 2),
            .port = sqlite3_column_int64(statement, 3),
            .caller = sqlite3_column_int64(statement, 4),
            .successes = sqlite3_column_int64(statement, 5),
            .failures = sqlite3_column_int64(statement, 6),
            .time = sqlite3_column_int64(statement, 7),
            .overloaded = sqlite3_column_int(statement, 8) != 0,
        };
        if (status_from_columns(&columns, &status) && row(arg, &status) != 0)
            break;
    }
    return database_finish(db, statement, result);
}

static const struct status_kind kind = {
    .room = ROOM,
    .close = close_file,
    .follow = follow,
    .write = write_rows,
    .list = list,
};

int status_sqlite_open(struct status_store **out, const char *path, enum store_mode mode,
                       char error[static STORE_ERROR_SIZE])
{
    struct status_sqlite *store = calloc(1, sizeof(*store));
    if (!store) {
        snprintf(error, STORE_ERROR_SIZE, "out of memory");
        return -1;
    }
    store->store = (struct status_store){.kind = &kind, .error = store->db.error};
    if (database_open(&store->db, path, mode, &use) == 0) {
        *out = &store->store;
        return 0;
    }
    snprintf(error, STORE_ERROR_SIZE, "%s", store->db.error);
    close_file(&store->store);
    return -1;
}
