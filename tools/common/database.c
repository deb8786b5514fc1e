/* SPDX-License-Identifier: MIT */
#include "tools/common/database.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "conf/system_error.h"
#include "tools/common/schema.h"

enum {
    WAL_RETRY_MS = 5,
};

int database_fail(struct database *db, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(db->error, sizeof(db->error), format, arguments);
    va_end(arguments);
    return -1;
}

static int fail_sqlite(struct database *db)
{
    if (!db->sqlite)
        return -1;
    switch (sqlite3_errcode(db->sqlite)) {
    case SQLITE_NOTADB:
        return database_fail(db, "%s is not a SQLite database: give another file with --db", db->path);
    case SQLITE_CANTOPEN:
        if (sqlite3_system_errno(db->sqlite) == EMFILE)
            return database_fail(db, "cannot open database %s: %s", db->path, system_error_text(EMFILE));
        return database_fail(db,
                             "cannot open database %s: does it exist, and may you write to it and its "
                             "directory? %s a new one",
                             db->path, db->use->makers);
    case SQLITE_BUSY:
        return database_fail(db, "database %s is locked by another process: try again when that has ended",
                             db->path);
    case SQLITE_FULL:
        return database_fail(db, "the disk of database %s is full: make room on it", db->path);
    case SQLITE_IOERR:
        /* SQLite does not keep the errno of a COMMIT. */
        if (sqlite3_system_errno(db->sqlite) == EFBIG || errno == EFBIG)
            return database_fail(db, "database %s, or a file beside it: %s", db->path,
                                 system_error_text(EFBIG));
        break;
    default:
        break;
    }
    return database_fail(db, "database %s: %s", db->path, sqlite3_errmsg(db->sqlite));
}

sqlite3_stmt *database_bind(struct database *db, int which, size_t count, const int64_t *values)
{
    sqlite3_stmt *statement = db->statements[which];
    for (size_t i = 0; i < count; i++)
        sqlite3_bind_int64(statement, (int)i + 1, values[i]);
    return statement;
}

int database_finish(struct database *db, sqlite3_stmt *statement, int result)
{
    int rc = result == SQLITE_ROW || result == SQLITE_DONE ? 0 : fail_sqlite(db);
    sqlite3_reset(statement);
    return rc;
}

int database_run(struct database *db, sqlite3_stmt *statement)
{
    int rc = database_finish(db, statement, sqlite3_step(statement));
    return rc ? rc : sqlite3_changes(db->sqlite);
}

int database_query(struct database *db, sqlite3_stmt *statement, int64_t fallback, int64_t *value)
{
    int result = sqlite3_step(statement);
    int64_t first = result == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : fallback;
    if (database_finish(db, statement, result) != 0)
        return -1;
    *value = first;
    return 0;
}

static int query_text(struct database *db, const char *text, int64_t *value)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(db->sqlite, text, -1, &statement, NULL) != SQLITE_OK)
        return fail_sqlite(db);
    int rc = database_query(db, statement, 0, value);
    sqlite3_finalize(statement);
    return rc;
}

/* SQLite does not wait by itself for another program that does the same now. */
static int set_wal(sqlite3 *sqlite)
{
    int rc;
    for (int waited = 0;
         (rc = sqlite3_exec(sqlite, "PRAGMA journal_mode = WAL", NULL, NULL, NULL)) == SQLITE_BUSY &&
         waited < DATABASE_BUSY_MS;
         waited += WAL_RETRY_MS)
        sqlite3_sleep(WAL_RETRY_MS);
    return rc;
}

/* Makes the tables in an empty file, if that is wanted; refuses a file that belongs to something else. */
static int check_schema(struct database *db, enum store_mode mode)
{
    int64_t version, objects;
    /* In this order: another program may make the tables now, and the version comes with them. */
    if (query_text(db, "SELECT count(*) FROM sqlite_schema", &objects) != 0 ||
        query_text(db, "PRAGMA user_version", &version) != 0)
        return -1;
    if (version == SCHEMA_VERSION)
        return 0;
    if (version != 0 || objects != 0)
        return database_fail(db,
                             "%s is a database of another program or version (user_version %lld, not %d): "
                             "give another file with --db",
                             db->path, (long long)version, SCHEMA_VERSION);
    if (mode != STORE_CREATE)
        return database_fail(db, "%s is empty, without the tables of a database: is --db right? %s them",
                             db->path, db->use->makers);
    if (set_wal(db->sqlite) != SQLITE_OK ||
        sqlite3_exec(db->sqlite, sql_schema, NULL, NULL, NULL) != SQLITE_OK)
        return fail_sqlite(db);
    return 0;
}

/* A statement of the store does not compile. SQLite names a table or column that is missing, and not an index. */
static int fail_prepare(struct database *db)
{
    static const char index_is_lost[] =
        "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'RouteData') AND "
        "NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = '" SCHEMA_ROUTE_INDEX "')";
    int64_t lost;
    fail_sqlite(db);
    if (query_text(db, index_is_lost, &lost) != 0 || !lost)
        return -1;
    return database_fail(db,
                         "database %s has lost its index " SCHEMA_ROUTE_INDEX
                         ": run sqlite3 %s 'CREATE UNIQUE INDEX " SCHEMA_ROUTE_INDEX_ON "'",
                         db->path, db->path);
}

static int prepare(struct database *db)
{
    const struct database_use *use = db->use;
    if (use->setup && sqlite3_exec(db->sqlite, use->setup, NULL, NULL, NULL) != SQLITE_OK)
        return fail_sqlite(db);
    if (!(db->statements = calloc(use->count, sizeof(sqlite3_stmt *))))
        return database_fail(db, "out of memory");
    for (size_t i = 0; i < use->count; i++)
        if (sqlite3_prepare_v3(db->sqlite, use->statements[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &db->statements[i], NULL) != SQLITE_OK)
            return fail_prepare(db);
    return 0;
}

void database_path(const struct database *db, const char *suffix, char path[static DATABASE_PATH_SIZE])
{
    snprintf(path, DATABASE_PATH_SIZE, "%s%s", sqlite3_db_filename(db->sqlite, "main"), suffix);
}

struct database_files database_files(const struct database *db)
{
    char path[DATABASE_PATH_SIZE];
    struct database_files files = {.main = file_id(db->path)};
    if (!db->sqlite)
        return files;
    database_path(db, "-wal", path);
    files.wal = file_id(path);
    database_path(db, "-shm", path);
    files.shm = file_id(path);
    return files;
}

/* The files that were opened, and not those that took their place meanwhile. */
static void remember_files(struct database *db)
{
    int moved = 0;
    db->files = database_files(db);
    sqlite3_file_control(db->sqlite, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    if (moved)
        db->files = (struct database_files){0};
}

/*
 * A -wal without its database, or beside an empty one, holds edits of what was deleted while it was open. SQLite would
 * throw it away, and the program that has it open would take a new database for the old one.
 */
static int check_deleted(struct database *db)
{
    char wal[DATABASE_PATH_SIZE];
    struct stat st;
    bool missing = stat(db->path, &st) != 0;
    snprintf(wal, sizeof(wal), "%s-wal", db->path);
    if ((!missing && st.st_size > 0) || file_id_is_none(file_id(wal)))
        return 0;
    return database_fail(
        db,
        "database %s is %s, and %s is there: it was %s while a program had it open; put it back, or delete %s",
        db->path, missing ? "missing" : "empty", wal, missing ? "deleted" : "emptied",
        missing ? "that file, too" : "both");
}

/* Without a mutex: one thread uses it. */
int database_open(struct database *db, const char *path, enum store_mode mode, const struct database_use *use)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (mode == STORE_CREATE ? SQLITE_OPEN_CREATE : 0);
    *db = (struct database){.use = use, .path = strdup(path)};
    if (!db->path)
        return database_fail(db, "out of memory");
    if (check_deleted(db) != 0)
        return -1;
    if (sqlite3_open_v2(db->path, &db->sqlite, flags, NULL) != SQLITE_OK)
        return db->sqlite ? fail_sqlite(db) : database_fail(db, "out of memory");
    sqlite3_busy_timeout(db->sqlite, DATABASE_BUSY_MS);
    sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (check_schema(db, mode) != 0 || prepare(db) != 0)
        return -1;
    remember_files(db);
    if (!content_lost(db->sqlite))
        return 0;
    db->state = CONTENT_LOST;
    return database_fail(
        db,
        "database %s was overwritten while a program had it open, and is none any more: put it, "
        "or another, there",
        db->path);
}

/* Reading the schema first has SQLite notice that another program has changed it. */
int database_check_tables(struct database *db)
{
    int64_t objects;
    if (query_text(db, "SELECT count(*) FROM sqlite_schema", &objects) != 0)
        return -1;
    for (size_t i = 0; i < db->use->count; i++) {
        sqlite3_stmt *statement;
        int rc = sqlite3_prepare_v2(db->sqlite, db->use->statements[i], -1, &statement, NULL);
        sqlite3_finalize(statement);
        if (rc != SQLITE_OK)
            return fail_prepare(db);
    }
    return 0;
}

static void finalize_statements(struct database *db)
{
    for (size_t i = 0; db->statements && i < db->use->count; i++) {
        sqlite3_finalize(db->statements[i]);
        db->statements[i] = NULL;
    }
}

void database_disconnect(struct database *db)
{
    if (!db->sqlite)
        return;
    finalize_statements(db);
    sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_close(db->sqlite);
    db->sqlite = NULL;
}

void database_close(struct database *db)
{
    if (db->state != CONTENT_SOUND)
        database_disconnect(db);
    finalize_statements(db);
    free(db->statements);
    sqlite3_close(db->sqlite);
    free(db->path);
}

void database_set_wait(struct database *db, int ms)
{
    if (db->sqlite)
        sqlite3_busy_timeout(db->sqlite, ms);
}
