/* SPDX-License-Identifier: MIT */
/* The store in one SQLite file. What is kept is a table as well, but one of this connection and in memory. */
#include "tools/reporter/status_store.h"

#include <stdio.h>
#include <stdlib.h>

#include "tools/common/database.h"

#define KEY    "modid, cmdid, ip, port, caller"
#define VALUES "succ_cnt, err_cnt, ts, overload"

enum statement {
    REPLACE_KEPT,
    KEEP,
    WRITE,
    FORGET,
    LIST,
    STATEMENTS
};

static const char *const statements[STATEMENTS] = {
    [REPLACE_KEPT] = "UPDATE temp.Kept SET succ_cnt = ?6, err_cnt = ?7, ts = ?8, overload = ?9"
                     " WHERE modid = ?1 AND cmdid = ?2 AND ip = ?3 AND port = ?4 AND caller = ?5",
    [KEEP] = "INSERT INTO temp.Kept (" KEY ", " VALUES ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    /* Without "WHERE true", ON would be taken for a join's. */
    [WRITE] = "INSERT INTO main.ServerCallStatus (" KEY ", " VALUES ")"
              " SELECT " KEY ", " VALUES " FROM temp.Kept WHERE true"
              " ON CONFLICT (" KEY ") DO UPDATE SET succ_cnt = excluded.succ_cnt,"
              " err_cnt = excluded.err_cnt, ts = excluded.ts, overload = excluded.overload",
    [FORGET] = "DELETE FROM temp.Kept",
    [LIST] = "SELECT " KEY ", succ_cnt, err_cnt, ts, overload <> '0' FROM main.ServerCallStatus"
             " WHERE modid BETWEEN ?1 AND ?2 AND cmdid BETWEEN ?3 AND ?4 ORDER BY " KEY,
};

static const struct database_use use = {
    .setup = "PRAGMA temp_store = MEMORY;"
             "CREATE TEMP TABLE Kept (modid, cmdid, ip, port, caller, succ_cnt, err_cnt, ts, overload,"
             " PRIMARY KEY (" KEY ")) WITHOUT ROWID",
    .statements = statements,
    .count = STATEMENTS,
    .makers = "'serve' makes",
};

struct status_store {
    struct database db;
    size_t kept; /* rows of Kept */
};

int status_store_open(struct status_store **out, const char *path, enum store_mode mode,
                      char error[static STORE_ERROR_SIZE])
{
    struct status_store *store = calloc(1, sizeof(*store));
    if (!store) {
        snprintf(error, STORE_ERROR_SIZE, "out of memory");
    } else if (database_open(&store->db, path, mode, &use) != 0) {
        snprintf(error, STORE_ERROR_SIZE, "%s", store->db.error);
    } else {
        *out = store;
        return 0;
    }
    status_store_close(store);
    return -1;
}

void status_store_close(struct status_store *store)
{
    if (!store)
        return;
    database_close(&store->db);
    free(store);
}

const char *status_store_error(const struct status_store *store)
{
    return store->db.error;
}

int status_store_keep(struct status_store *store, const struct status *status)
{
    const int64_t values[] = {status->route.modid,      status->route.cmdid, ntohl(status->host.address),
                              ntohs(status->host.port), status->caller,      status->successes,
                              status->failures,         status->time,        status->overloaded};
    struct database *db = &store->db;
    size_t count = sizeof(values) / sizeof(*values);
    int replaced = database_run(db, database_bind(db, REPLACE_KEPT, count, values));
    if (replaced != 0)
        return replaced < 0 ? -1 : 0;
    if (store->kept == STATUS_KEPT_MAX)
        return database_fail(db, "%zu results wait for database %s already", store->kept, db->path);
    if (database_run(db, database_bind(db, KEEP, count, values)) < 0)
        return -1;
    store->kept++;
    return 0;
}

size_t status_store_kept(const struct status_store *store)
{
    return store->kept;
}

int status_store_commit(struct status_store *store, int wait_ms)
{
    struct database *db = &store->db;
    if (store->kept == 0)
        return 0;
    sqlite3_busy_timeout(db->sqlite, wait_ms);
    int rc = database_run(db, db->statements[WRITE]);
    /* Rows that cannot be forgotten are written once more, which changes nothing. */
    if (rc < 0 || database_run(db, db->statements[FORGET]) < 0)
        return -1;
    store->kept = 0;
    return 0;
}

static bool read_number(sqlite3_stmt *statement, int column, int64_t min, int64_t max, uint32_t *number)
{
    int64_t value = sqlite3_column_int64(statement, column);
    *number = (uint32_t)value;
    return value >= min && value <= max;
}

/* Another program may have written anything. */
static bool read_status(sqlite3_stmt *statement, struct status *status)
{
    uint32_t ip, port;
    if (!read_number(statement, 0, 0, UINT32_MAX, &status->route.modid) ||
        !read_number(statement, 1, 0, UINT32_MAX, &status->route.cmdid) ||
        !read_number(statement, 2, 1, UINT32_MAX, &ip) || !read_number(statement, 3, 1, UINT16_MAX, &port) ||
        !read_number(statement, 4, 0, UINT32_MAX, &status->caller) ||
        !read_number(statement, 5, 0, UINT32_MAX, &status->successes) ||
        !read_number(statement, 6, 0, UINT32_MAX, &status->failures) ||
        !read_number(statement, 7, 0, UINT32_MAX, &status->time))
        return false;
    status->host = (struct host_addr){htonl(ip), htons((uint16_t)port)};
    status->overloaded = sqlite3_column_int(statement, 8) != 0;
    return true;
}

int status_store_list(struct status_store *store, const uint32_t *modid, const uint32_t *cmdid,
                      status_row_fn *row, void *arg)
{
    sqlite3_stmt *statement =
        DATABASE_BIND(&store->db, LIST, modid ? *modid : 0, modid ? *modid : UINT32_MAX, //
                      cmdid ? *cmdid : 0, cmdid ? *cmdid : UINT32_MAX);
    struct status status;
    int result;
    while ((result = sqlite3_step(statement)) == SQLITE_ROW)
        if (read_status(statement, &status) && row(arg, &status) != 0)
            break;
    return database_finish(&store->db, statement, result);
}
