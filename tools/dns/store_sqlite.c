/* SPDX-License-Identifier: MIT */
/* The store in one SQLite file: all but edits. */
#include "tools/dns/store_sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tools/common/follow.h"
#include "tools/dns/store_sqlite_internal.h"

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

static struct store_sqlite *self(struct store *store)
{
    return (struct store_sqlite *)store;
}

/* What was handled of another content says nothing of this one. */
static void restart(struct store_sqlite *store)
{
    store->data_version = -1;
    store->handled = 0;
    store->seen = 0;
    store->polled_version = 0;
}

static void close_file(struct store *store)
{
    database_close(&self(store)->db);
    free(store);
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

static int begin_reading(struct store *base)
{
    struct store_sqlite *store = self(base);
    if (database_run(&store->db, store->db.statements[BEGIN_READING]) < 0)
        return -1;
    store->reading = true;
    return 0;
}

/* It has written nothing, and SQLite may have ended it after an error. */
static void end_reading(struct store *base)
{
    struct store_sqlite *store = self(base);
    if (!store->reading)
        return;
    store->reading = false;
    sqlite3_step(store->db.statements[ROLLBACK]);
    sqlite3_reset(store->db.statements[ROLLBACK]);
}

static int read_route(struct store *base, struct route_key key, struct host_addr *hosts, size_t cap,
                      size_t *count)
{
    struct store_sqlite *store = self(base);
    sqlite3_stmt *statement = DATABASE_BIND(&store->db, READ, key.modid, key.cmdid);
    int result = SQLITE_ROW;
    size_t found = 0;
    while (found < cap && (result = sqlite3_step(statement)) == SQLITE_ROW)
        found += read_host(statement, 0, &hosts[found]);
    if (database_finish(&store->db, statement, result) != 0) {
        end_reading(base);
        return -1;
    }
    *count = found;
    return 0;
}

static int list(struct store *base, const uint32_t *modid, const uint32_t *cmdid, store_row_fn *row,
                void *arg)
{
    struct store_sqlite *store = self(base);
    sqlite3_stmt *statement =
        DATABASE_BIND(&store->db, LIST, modid ? *modid : 0, modid ? *modid : UINT32_MAX, //
                      cmdid ? *cmdid : 0, cmdid ? *cmdid : UINT32_MAX);
    struct host_addr host;
    int result;
    while ((result = sqlite3_step(statement)) == SQLITE_ROW)
        if (read_host(statement, 2, &host) && row(arg, read_key(statement, 0), host) != 0)
            break;
    return database_finish(&store->db, statement, result);
}

static int measure(struct store *base, struct store_size *size)
{
    struct store_sqlite *store = self(base);
    sqlite3_stmt *statement = store->db.statements[MEASURE];
    int result = sqlite3_step(statement);
    struct store_size measured = {.routes = (uint64_t)sqlite3_column_int64(statement, 0),
                                  .hosts = (uint64_t)sqlite3_column_int64(statement, 1)};
    if (database_finish(&store->db, statement, result) != 0)
        return -1;
    *size = measured;
    return 0;
}

static int follow(struct store *base)
{
    struct store_sqlite *store = self(base);
    int rc = database_follow(&store->db);
    if (rc > 0)
        restart(store);
    return rc;
}

_Static_assert((int)STORE_PATH_SIZE >= (int)DATABASE_PATH_SIZE, "the path fits");

static void edited_path(const struct store *base, char path[static STORE_PATH_SIZE])
{
    const struct store_sqlite *store = (const struct store_sqlite *)base;
    path[0] = '\0';
    if (store->db.sqlite)
        database_path(&store->db, "-wal", path);
}

static int poll(struct store *base, store_changed_fn *changed, void *arg)
{
    struct store_sqlite *store = self(base);
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

    sqlite3_stmt *statement = DATABASE_BIND(&store->db, CHANGES, store->handled);
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

static bool version(const struct store *base, uint64_t *out)
{
    const struct store_sqlite *store = (const struct store_sqlite *)base;
    *out = (uint64_t)store->polled_version;
    return store->data_version != -1;
}

static int clean(struct store *base)
{
    struct store_sqlite *store = self(base);
    int64_t before = (int64_t)time(NULL) - STORE_KEEP_SECONDS, found;
    if (database_query(&store->db, DATABASE_BIND(&store->db, CLEAN_CHECK, before, store->seen), 0, &found) !=
        0)
        return -1;
    if (found == 0)
        return 0;
    database_set_wait(&store->db, 0);
    sqlite3_stmt *statement = DATABASE_BIND(&store->db, CLEAN, before, store->seen, CLEAN_ROWS);
    int result = sqlite3_step(statement);
    database_set_wait(&store->db, DATABASE_BUSY_MS);
    return database_finish(&store->db, statement, result == SQLITE_BUSY ? SQLITE_DONE : result);
}

static const struct store_kind kind = {
    .close = close_file,
    .read = read_route,
    .list = list,
    .measure = measure,
    .begin_reading = begin_reading,
    .end_reading = end_reading,
    .poll = poll,
    .version = version,
    .edited_path = edited_path,
    .follow = follow,
    .clean = clean,
    .begin = store_sqlite_begin,
    .write = store_sqlite_write,
    .commit = store_sqlite_commit,
    .rollback = store_sqlite_rollback,
    .log = store_sqlite_log,
};

int store_sqlite_open(struct store **out, const char *path, enum store_mode mode,
                      char error[static STORE_ERROR_SIZE])
{
    struct store_sqlite *store = calloc(1, sizeof(*store));
    if (!store) {
        snprintf(error, STORE_ERROR_SIZE, "out of memory");
        return -1;
    }
    store->store = (struct store){.kind = &kind, .error = store->db.error};
    if (database_open(&store->db, path, mode, &use) != 0) {
        snprintf(error, STORE_ERROR_SIZE, "%s", store->db.error);
        close_file(&store->store);
        return -1;
    }
    restart(store);
    *out = &store->store;
    return 0;
}
