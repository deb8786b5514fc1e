/* SPDX-License-Identifier: MIT */
/* The store in one SQLite file, in WAL mode: readers never wait for an editor, nor an editor for readers. */
#include "tools/dns/store.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/dns/map.h"
#include "tools/dns/sql.h"

enum {
    BUSY_MS = 5000,
    CLEAN_ROWS = 5000, /* a few milliseconds of deleting */
};

struct store {
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
    char *path;
    char error[STORE_ERROR_SIZE];

    int64_t data_version; /* SQLite's stamp of the file at the last poll */
    int64_t handled;      /* RouteChange.id up to which each row was handled */
    int64_t seen;         /* the highest RouteChange.id that a poll read */

    struct map changed;   /* keys that the edit under way has changed: key to the store itself */
    int64_t version;      /* the store's, when the edit began */
    int64_t edit_version; /* what the edit makes it */
};

__attribute__((format(printf, 2, 3))) static int fail(struct store *store, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(store->error, sizeof(store->error), format, arguments);
    va_end(arguments);
    return -1;
}

static int fail_sqlite(struct store *store)
{
    switch (sqlite3_errcode(store->db)) {
    case SQLITE_NOTADB:
        return fail(store, "%s is not a SQLite database: give another file with --db", store->path);
    case SQLITE_CANTOPEN:
        return fail(store,
                    "cannot open database %s: does it exist, and may you write to it and its directory?"
                    " 'route add', 'route import' and 'serve' make a new one",
                    store->path);
    case SQLITE_BUSY:
        return fail(store, "database %s is locked by another process: try again when that has ended",
                    store->path);
    default:
        return fail(store, "database %s: %s", store->path, sqlite3_errmsg(store->db));
    }
}

/* A statement ready to step, its parameters bound. Reset it after use. */
static sqlite3_stmt *bind(struct store *store, enum statement which, size_t count, const int64_t *values)
{
    sqlite3_stmt *statement = store->statements[which];
    for (size_t i = 0; i < count; i++)
        sqlite3_bind_int64(statement, (int)i + 1, values[i]);
    return statement;
}
#define BIND(store, which, ...)                                                                              \
    bind(store, which, sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (int64_t[]){__VA_ARGS__})

/* Ends a loop over rows: `result` is what the last step returned. */
static int finish(struct store *store, sqlite3_stmt *statement, int result)
{
    int rc = result == SQLITE_ROW || result == SQLITE_DONE ? 0 : fail_sqlite(store);
    sqlite3_reset(statement);
    return rc;
}

/* Runs a statement to its end. Returns how many rows it changed. */
static int run(struct store *store, sqlite3_stmt *statement)
{
    int rc = finish(store, statement, sqlite3_step(statement));
    return rc ? rc : sqlite3_changes(store->db);
}

/* The first column of the first row; `fallback` when there is none. */
static int query(struct store *store, sqlite3_stmt *statement, int64_t fallback, int64_t *value)
{
    int result = sqlite3_step(statement);
    int64_t first = result == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : fallback;
    if (finish(store, statement, result) != 0)
        return -1;
    *value = first;
    return 0;
}

static int query_text(struct store *store, const char *text, int64_t *value)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(store->db, text, -1, &statement, NULL) != SQLITE_OK)
        return fail_sqlite(store);
    int rc = query(store, statement, 0, value);
    sqlite3_finalize(statement);
    return rc;
}

/* Makes the tables in an empty file; refuses a file that belongs to something else. */
static int check_schema(struct store *store)
{
    int64_t version, objects;
    if (query_text(store, "PRAGMA user_version", &version) != 0 ||
        query_text(store, "SELECT count(*) FROM sqlite_schema", &objects) != 0)
        return -1;
    if (version == SCHEMA_VERSION)
        return 0;
    if (version != 0 || objects != 0)
        return fail(store,
                    "%s is a database of another program or version (user_version %lld, not %d): "
                    "give another file with --db",
                    store->path, (long long)version, SCHEMA_VERSION);
    if (sqlite3_exec(store->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(store->db, sql_schema, NULL, NULL, NULL) != SQLITE_OK)
        return fail_sqlite(store);
    return 0;
}

static int open_database(struct store *store, enum store_mode mode)
{
    int flags = SQLITE_OPEN_READWRITE | (mode == STORE_CREATE ? SQLITE_OPEN_CREATE : 0);
    if (sqlite3_open_v2(store->path, &store->db, flags, NULL) != SQLITE_OK)
        return store->db ? fail_sqlite(store) : fail(store, "out of memory");
    sqlite3_busy_timeout(store->db, BUSY_MS);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (check_schema(store) != 0)
        return -1;
    if (sqlite3_exec(store->db, "PRAGMA cache_size = -65536", NULL, NULL, NULL) != SQLITE_OK)
        return fail_sqlite(store);
    for (int i = 0; i < STATEMENTS; i++)
        if (sqlite3_prepare_v3(store->db, sql_statements[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &store->statements[i], NULL) != SQLITE_OK)
            return fail_sqlite(store);
    return 0;
}

int store_open(struct store **out, const char *path, enum store_mode mode,
               char error[static STORE_ERROR_SIZE])
{
    struct store *store = calloc(1, sizeof(*store));
    if (!store || !(store->path = strdup(path))) {
        snprintf(error, STORE_ERROR_SIZE, "out of memory");
    } else if (open_database(store, mode) != 0) {
        snprintf(error, STORE_ERROR_SIZE, "%s", store->error);
    } else {
        store->data_version = -1;
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
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(store->statements[i]);
    sqlite3_close(store->db);
    map_free(&store->changed);
    free(store->path);
    free(store);
}

const char *store_error(const struct store *store)
{
    return store->error;
}

/* Another program may have written anything. */
static bool read_host(sqlite3_stmt *statement, int column, struct route_host *host)
{
    int64_t ip = sqlite3_column_int64(statement, column), port = sqlite3_column_int64(statement, column + 1);
    if (ip < 1 || ip > UINT32_MAX || port < 1 || port > UINT16_MAX)
        return false;
    *host = (struct route_host){.ip = (uint32_t)ip, .port = (uint16_t)port};
    return true;
}

static struct route_key read_key(sqlite3_stmt *statement, int column)
{
    return (struct route_key){.modid = (uint32_t)sqlite3_column_int64(statement, column),
                              .cmdid = (uint32_t)sqlite3_column_int64(statement, column + 1)};
}

int store_read(struct store *store, struct route_key key, struct route_host *hosts, size_t cap, size_t *count)
{
    sqlite3_stmt *statement = BIND(store, READ, key.modid, key.cmdid);
    int result = SQLITE_ROW;
    size_t found = 0;
    while (found < cap && (result = sqlite3_step(statement)) == SQLITE_ROW)
        found += read_host(statement, 0, &hosts[found]);
    if (finish(store, statement, result) != 0)
        return -1;
    *count = found;
    return 0;
}

int store_list(struct store *store, const uint32_t *modid, const uint32_t *cmdid, store_row_fn *row,
               void *arg)
{
    sqlite3_stmt *statement = BIND(store, LIST, modid ? *modid : 0, modid ? *modid : UINT32_MAX, //
                                   cmdid ? *cmdid : 0, cmdid ? *cmdid : UINT32_MAX);
    struct route_host host;
    int result;
    while ((result = sqlite3_step(statement)) == SQLITE_ROW)
        if (read_host(statement, 2, &host) && row(arg, read_key(statement, 0), host) != 0)
            break;
    return finish(store, statement, result);
}

int store_measure(struct store *store, struct store_size *size)
{
    sqlite3_stmt *statement = store->statements[MEASURE];
    int result = sqlite3_step(statement);
    struct store_size measured = {.routes = (uint64_t)sqlite3_column_int64(statement, 0),
                                  .hosts = (uint64_t)sqlite3_column_int64(statement, 1)};
    if (finish(store, statement, result) != 0)
        return -1;
    *size = measured;
    return 0;
}

int store_poll(struct store *store, store_changed_fn *changed, void *arg)
{
    int64_t data_version;
    if (query(store, store->statements[DATA_VERSION], 0, &data_version) != 0)
        return -1;
    if (data_version == store->data_version)
        return 0;

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
    if (finish(store, statement, result) != 0)
        return -1;
    store->handled = handled;
    store->data_version = data_version;
    return 1;
}

int store_clean(struct store *store)
{
    int64_t before = (int64_t)time(NULL) - STORE_KEEP_SECONDS, found;
    if (query(store, BIND(store, CLEAN_CHECK, before, store->seen), 0, &found) != 0)
        return -1;
    if (found == 0)
        return 0;
    sqlite3_busy_timeout(store->db, 0);
    sqlite3_stmt *statement = BIND(store, CLEAN, before, store->seen, CLEAN_ROWS);
    int result = sqlite3_step(statement);
    sqlite3_busy_timeout(store->db, BUSY_MS);
    return finish(store, statement, result == SQLITE_BUSY ? SQLITE_DONE : result);
}

int store_begin(struct store *store)
{
    int64_t now = (int64_t)time(NULL);
    if (run(store, store->statements[BEGIN]) < 0)
        return -1;
    if (query(store, store->statements[VERSION], 0, &store->version) != 0) {
        store_rollback(store);
        return -1;
    }
    store->edit_version = now > store->version ? now : store->version + 1;
    return 0;
}

/* Records that the edit changed `count` hosts of a route; passes the count on. */
static int note_change(struct store *store, struct route_key key, int count)
{
    uint64_t packed = route_key_pack(key);
    if (count <= 0 || map_get(&store->changed, packed))
        return count;
    if (map_put(&store->changed, packed, store) != 0)
        return fail(store, "out of memory");
    return run(store, BIND(store, ADD_CHANGE, key.modid, key.cmdid, store->edit_version)) < 0 ? -1 : count;
}

int store_add(struct store *store, struct route_key key, struct route_host host)
{
    return note_change(store, key,
                       run(store, BIND(store, ADD_HOST, key.modid, key.cmdid, host.ip, host.port)));
}

int store_delete(struct store *store, struct route_key key, const struct route_host *host)
{
    sqlite3_stmt *statement = host ? BIND(store, DELETE_HOST, key.modid, key.cmdid, host->ip, host->port)
                                   : BIND(store, DELETE_ROUTE, key.modid, key.cmdid);
    return note_change(store, key, run(store, statement));
}

int store_commit(struct store *store, struct store_edit *edit)
{
    size_t keys = store->changed.count;
    if (keys == 0) {
        store_rollback(store);
    } else if (run(store, BIND(store, SET_VERSION, store->edit_version)) < 0 ||
               run(store, store->statements[COMMIT]) < 0) {
        return -1;
    }
    map_free(&store->changed);
    *edit =
        (struct store_edit){.keys = keys, .version = (uint64_t)(keys ? store->edit_version : store->version)};
    return 0;
}

void store_rollback(struct store *store)
{
    sqlite3_step(store->statements[ROLLBACK]);
    sqlite3_reset(store->statements[ROLLBACK]);
    map_free(&store->changed);
}
