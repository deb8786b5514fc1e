/* SPDX-License-Identifier: MIT */
/* The store in one SQLite file: all but edits. */
#include "tools/dns/store_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tools/common/follow.h"

enum {
    CLEAN_ROWS = 5000, /* a few milliseconds of deleting */
};

/* The index of 1,000,000 routes of 4 hosts has 91 MB. Not by mmap(): another program may empty the file. */
static const struct database_use use = {
    .setup = "PRAGMA cache_size = -262144",
    .statements = sql_statements,
    .count = STATEMENTS,
    .makers = "'route add', 'route set', 'route import' and 'serve --create' make",
    .missing = "requests are answered from what is open, and edits are not pushed",
};

/* What was handled of another content says nothing of this one. */
static void restart(struct store *store)
{
    store->data_version = -1;
    store->handled = 0;
    store->seen = 0;
    store->polled_version = 0;
}

int store_open(struct store **out, const char *path, enum store_mode mode,
               char error[static STORE_ERROR_SIZE])
{
    struct store *store = calloc(1, sizeof(*store));
    if (!store) {
        snprintf(error, STORE_ERROR_SIZE, "out of memory");
    } else if (database_open(&store->db, path, mode, &use) != 0) {
        snprintf(error, STORE_ERROR_SIZE, "%s", store->db.error);
    } else {
        restart(store);
        *out = store;
        return 0;
    }
    store_close(store);
    return -1;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    database_close(&store->db);
    edit_log_clear(&store->log);
    free(store);
}

const char *store_error(const struct store *store)
{
    return store->db.error;
}

/* Another program may have written anything. */
static bool read_host(sqlite3_stmt *statement, int column, struct host_addr *host)
{
    int64_t ip = sqlite3_column_int64(statement, column), port = sqlite3_column_int64(statement, column + 1);
    if (ip < 1 || ip > UINT32_MAX || port < 1 || port > UINT16_MAX)
        return false;
    *host = (struct host_addr){htonl((uint32_t)ip), htons((uint16_t)port)};
    return true;
}

static struct route_key read_key(sqlite3_stmt *statement, int column)
{
    return (struct route_key){.modid = (uint32_t)sqlite3_column_int64(statement, column),
                              .cmdid = (uint32_t)sqlite3_column_int64(statement, column + 1)};
}

int store_read(struct store *store, struct route_key key, struct host_addr *hosts, size_t cap, size_t *count)
{
    sqlite3_stmt *statement = BIND(store, READ, key.modid, key.cmdid);
    int result = SQLITE_ROW;
    size_t found = 0;
    while (found < cap && (result = sqlite3_step(statement)) == SQLITE_ROW)
        found += read_host(statement, 0, &hosts[found]);
    if (database_finish(&store->db, statement, result) != 0) {
        store_end_reading(store);
        return -1;
    }
    *count = found;
    return 0;
}

int store_begin_reading(struct store *store)
{
    if (database_run(&store->db, store->db.statements[BEGIN_READING]) < 0)
        return -1;
    store->reading = true;
    return 0;
}

/* It has written nothing, and SQLite may have ended it after an error. */
void store_end_reading(struct store *store)
{
    if (!store->reading)
        return;
    store->reading = false;
    sqlite3_step(store->db.statements[ROLLBACK]);
    sqlite3_reset(store->db.statements[ROLLBACK]);
}

int store_list(struct store *store, const uint32_t *modid, const uint32_t *cmdid, store_row_fn *row,
               void *arg)
{
    sqlite3_stmt *statement = BIND(store, LIST, modid ? *modid : 0, modid ? *modid : UINT32_MAX, //
                                   cmdid ? *cmdid : 0, cmdid ? *cmdid : UINT32_MAX);
    struct host_addr host;
    int result;
    while ((result = sqlite3_step(statement)) == SQLITE_ROW)
        if (read_host(statement, 2, &host) && row(arg, read_key(statement, 0), host) != 0)
            break;
    return database_finish(&store->db, statement, result);
}

int store_measure(struct store *store, struct store_size *size)
{
    sqlite3_stmt *statement = store->db.statements[MEASURE];
    int result = sqlite3_step(statement);
    struct store_size measured = {.routes = (uint64_t)sqlite3_column_int64(statement, 0),
                                  .hosts = (uint64_t)sqlite3_column_int64(statement, 1)};
    if (database_finish(&store->db, statement, result) != 0)
        return -1;
    *size = measured;
    return 0;
}

int store_follow(struct store *store)
{
    int rc = database_follow(&store->db);
    if (rc > 0)
        restart(store);
    return rc;
}

_Static_assert((int)STORE_PATH_SIZE >= (int)DATABASE_PATH_SIZE, "the path fits");

void store_edited_path(const struct store *store, char path[static STORE_PATH_SIZE])
{
    path[0] = '\0';
    if (store->db.sqlite)
        database_path(&store->db, "-wal", path);
}

int store_poll(struct store *store, store_changed_fn *changed, void *arg)
{
    int64_t data_version, version;
    if (database_query(&store->db, store->db.statements[DATA_VERSION], 0, &data_version) != 0)
        return -1;
    if (data_version == store->data_version)
        return 0;
    if (database_query(&store->db, store->db.statements[VERSION], 0, &version) != 0)
        return -1;
    bool restored = version < store->polled_version; /* a backup, into the file that is open */
    if (restored)
        restart(store);

    sqlite3_stmt *statement = BIND(store, CHANGES, store->handled);
    int64_t handled = store->handled;
    bool all_due = true;
    int result;
    while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
        store->seen = sqlite3_column_int64(statement, 0);
        if (sqlite3_column_int(statement, 3)) {
            changed(arg, read_key(statement, 1));
            if (all_due)
                handled = store->seen;
        } else {
            all_due = false; /* from here on, rows are read again: this one must not be missed */
        }
    }
    if (database_finish(&store->db, statement, result) != 0)
        return -1;
    store->handled = handled;
    store->data_version = data_version;
    store->polled_version = version;
    return restored ? 2 : 1;
}

int store_clean(struct store *store)
{
    int64_t before = (int64_t)time(NULL) - STORE_KEEP_SECONDS, found;
    if (database_query(&store->db, BIND(store, CLEAN_CHECK, before, store->seen), 0, &found) != 0)
        return -1;
    if (found == 0)
        return 0;
    database_set_wait(&store->db, 0);
    sqlite3_stmt *statement = BIND(store, CLEAN, before, store->seen, CLEAN_ROWS);
    int result = sqlite3_step(statement);
    database_set_wait(&store->db, DATABASE_BUSY_MS);
    return database_finish(&store->db, statement, result == SQLITE_BUSY ? SQLITE_DONE : result);
}
