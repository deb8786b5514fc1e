/* SPDX-License-Identifier: MIT */
/*
 * Edits of the store in one SQLite file, and RouteEdit, the log of them: a table beside those of Lars that the first edit
 * makes. A database without it has no edits yet.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "tools/dns/log_text.h"
#include "tools/dns/store_sqlite_internal.h"

static const char create[] =
    "CREATE TABLE IF NOT EXISTS RouteEdit (id INTEGER NOT NULL, modid INTEGER NOT NULL, cmdid INTEGER NOT NULL,"
    " time INTEGER NOT NULL, user TEXT NOT NULL, \"before\" TEXT NOT NULL, \"after\" TEXT NOT NULL,"
    " PRIMARY KEY (id, modid, cmdid)) STRICT";

int store_sqlite_begin(struct store *store, uint64_t *version)
{
    struct database *db = sqlite_of(store);
    int64_t found;
    if (database_run(db, db->statements[BEGIN]) < 0)
        return -1;
    if (database_query(db, db->statements[VERSION], 0, &found) != 0) {
        store_sqlite_rollback(store);
        return -1;
    }
    *version = (uint64_t)found;
    return 0;
}

int store_sqlite_commit(struct store *store)
{
    struct database *db = sqlite_of(store);
    return database_run(db, db->statements[COMMIT]) < 0 ? -1 : 0;
}

void store_sqlite_rollback(struct store *store)
{
    struct database *db = sqlite_of(store);
    sqlite3_step(db->statements[ROLLBACK]);
    sqlite3_reset(db->statements[ROLLBACK]);
}

/* The table may not be there when the database is opened, so its statements are prepared when they are needed. */
static sqlite3_stmt *prepare(struct database *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db->sqlite, sql, -1, &statement, NULL) != SQLITE_OK)
        database_finish(db, NULL, SQLITE_ERROR);
    return statement;
}

static int run(struct database *db, sqlite3_stmt *statement)
{
    int rc = statement ? database_run(db, statement) : -1;
    sqlite3_finalize(statement);
    return rc;
}

/* Parameters 1 to 3 of `insert` are bound. */
static int log_route(struct database *db, sqlite3_stmt *insert, const struct edited *route)
{
    char *before = log_text(&route->before), *after = log_text(&route->now);
    int rc = -1;
    if (before && after) {
        sqlite3_bind_int64(insert, 4, route->key.modid);
        sqlite3_bind_int64(insert, 5, route->key.cmdid);
        sqlite3_bind_text(insert, 6, before, -1, SQLITE_STATIC);
        sqlite3_bind_text(insert, 7, after, -1, SQLITE_STATIC);
        rc = database_run(db, insert) < 0 ? -1 : 0;
    } else {
        database_fail(db, "out of memory");
    }
    free(before);
    free(after);
    return rc;
}

static int log_routes(struct database *db, const struct changes *changes, int64_t edit)
{
    char user[LOG_USER_SIZE];
    sqlite3_stmt *insert = prepare(db, "INSERT INTO RouteEdit VALUES (?1, ?4, ?5, ?2, ?3, ?6, ?7)");
    int rc = insert ? 0 : -1;
    log_text_user(user);
    if (insert) {
        sqlite3_bind_int64(insert, 1, edit);
        sqlite3_bind_int64(insert, 2, (int64_t)time(NULL));
        sqlite3_bind_text(insert, 3, user, -1, SQLITE_STATIC);
    }
    for (size_t i = 0; rc == 0 && i < changes->route_count; i++)
        rc = log_route(db, insert, changes->routes[i]);
    sqlite3_finalize(insert);
    return rc;
}

/* Adds what changed to the log. Returns the edit's number, or -1. */
static int64_t log_edit(struct database *db, const struct changes *changes)
{
    int64_t last = 0;
    if (run(db, prepare(db, create)) < 0)
        return -1;
    sqlite3_stmt *statement = prepare(db, "SELECT max(id) FROM RouteEdit");
    int rc = statement ? database_query(db, statement, 0, &last) : -1;
    sqlite3_finalize(statement);
    if (rc != 0 || log_routes(db, changes, last + 1) != 0)
        return -1;
    statement = prepare(db, "DELETE FROM RouteEdit WHERE id <= ?1");
    sqlite3_bind_int64(statement, 1, last + 1 - STORE_LOG_EDITS);
    return run(db, statement) < 0 ? -1 : last + 1;
}

static int write_row(struct database *db, int which, const struct row *row)
{
    return database_run(db, DATABASE_BIND(db, which, row->key.modid, row->key.cmdid, ntohl(row->host.address),
                                          ntohs(row->host.port)));
}

static int write_rows(struct database *db, const struct changes *changes)
{
    for (size_t i = 0; i < changes->deleted_count; i++)
        if (write_row(db, DELETE_HOST, &changes->deleted[i]) < 0)
            return -1;
    for (size_t i = 0; i < changes->added_count; i++)
        if (write_row(db, ADD_HOST, &changes->added[i]) < 0)
            return -1;
    return 0;
}

int store_sqlite_write(struct store *store, const struct changes *changes, uint64_t version, int64_t *number)
{
    struct database *db = sqlite_of(store);
    if (write_rows(db, changes) != 0)
        return -1;
    for (size_t i = 0; i < changes->route_count; i++) {
        struct route_key key = changes->routes[i]->key;
        if (database_run(db, DATABASE_BIND(db, ADD_CHANGE, key.modid, key.cmdid, (int64_t)version)) < 0)
            return -1;
    }
    int64_t edit = log_edit(db, changes);
    if (edit < 0 || database_run(db, DATABASE_BIND(db, SET_VERSION, (int64_t)version)) < 0)
        return -1;
    *number = edit;
    return 0;
}

static const char *text_of(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text ? text : "";
}

static int read_rows(struct database *db, sqlite3_stmt *statement, store_log_row_fn *row, void *arg)
{
    int result;
    while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
        const struct store_log_row read = {
            .edit = sqlite3_column_int64(statement, 0),
            .time = sqlite3_column_int64(statement, 1),
            .user = text_of(statement, 2),
            .key = {(uint32_t)sqlite3_column_int64(statement, 3),
                    (uint32_t)sqlite3_column_int64(statement, 4)},
            .before = text_of(statement, 5),
            .after = text_of(statement, 6),
        };
        if (row(arg, &read) != 0)
            break;
    }
    int rc = database_finish(db, statement, result);
    sqlite3_finalize(statement);
    return rc;
}

/* 1: the table is there. */
static int has_log(struct database *db)
{
    int64_t count = 0;
    sqlite3_stmt *statement = prepare(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'RouteEdit'");
    int rc = statement ? database_query(db, statement, 0, &count) : -1;
    sqlite3_finalize(statement);
    return rc < 0 ? rc : count > 0;
}

int store_sqlite_log(struct store *store, const struct log_filter *filter, store_log_row_fn *row, void *arg)
{
    struct database *db = sqlite_of(store);
    int there = has_log(db);
    if (there <= 0)
        return there;
    sqlite3_stmt *statement =
        prepare(db, "SELECT id, time, user, modid, cmdid, \"before\", \"after\" FROM RouteEdit"
                    " WHERE (?1 = 0 OR id = ?1) AND modid BETWEEN ?2 AND ?3 AND cmdid BETWEEN ?4 AND ?5"
                    " ORDER BY id, modid, cmdid");
    if (!statement)
        return -1;
    sqlite3_bind_int64(statement, 1, filter->edit);
    sqlite3_bind_int64(statement, 2, filter->modid_min);
    sqlite3_bind_int64(statement, 3, filter->modid_max);
    sqlite3_bind_int64(statement, 4, filter->cmdid_min);
    sqlite3_bind_int64(statement, 5, filter->cmdid_max);
    return read_rows(db, statement, row, arg);
}
