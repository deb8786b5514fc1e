/* SPDX-License-Identifier: MIT */
#include "tools/dns/edit_log.h"

#include <arpa/inet.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/dns/sql.h"

enum {
    USER_SIZE = 64,
};

static const char create[] =
    "CREATE TABLE IF NOT EXISTS RouteEdit (id INTEGER NOT NULL, modid INTEGER NOT NULL, cmdid INTEGER NOT NULL,"
    " time INTEGER NOT NULL, user TEXT NOT NULL, \"before\" TEXT NOT NULL, \"after\" TEXT NOT NULL,"
    " PRIMARY KEY (id, modid, cmdid)) STRICT";

#define ROWS "SELECT id, time, user, modid, cmdid, \"before\", \"after\" FROM RouteEdit"

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

/* Who edits. Root that another user became by sudo is that user. */
static void name_user(char name[static USER_SIZE])
{
    const char *sudo = getenv("SUDO_USER");
    const struct passwd *entry = getpwuid(getuid());
    if (getuid() == 0 && sudo && *sudo)
        snprintf(name, USER_SIZE, "%s", sudo);
    else if (entry)
        snprintf(name, USER_SIZE, "%s", entry->pw_name);
    else
        snprintf(name, USER_SIZE, "%u", (unsigned)getuid());
}

/* Another program may have stored any number. */
static void print_host(FILE *out, int64_t ip, int64_t port)
{
    char address[INET_ADDRSTRLEN];
    const struct in_addr in = {htonl((uint32_t)ip)};
    if (ip < 1 || ip > UINT32_MAX || port < 1 || port > UINT16_MAX)
        return;
    fprintf(out, "%s%s:%u", ftell(out) > 0 ? " " : "", inet_ntop(AF_INET, &in, address, sizeof(address)),
            (unsigned)port);
}

char *edit_log_hosts(struct database *db, struct route_key key)
{
    sqlite3_stmt *statement = DATABASE_BIND(db, READ, key.modid, key.cmdid);
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    int result = SQLITE_DONE;
    while (out && (result = sqlite3_step(statement)) == SQLITE_ROW)
        print_host(out, sqlite3_column_int64(statement, 0), sqlite3_column_int64(statement, 1));
    int rc = database_finish(db, statement, result);
    if (!out || fclose(out) != 0)
        rc = database_fail(db, "out of memory");
    if (rc == 0)
        return text;
    free(text);
    return NULL;
}

struct edited *edit_log_route(struct edit_log *log, struct database *db, struct route_key key)
{
    struct edited *edited = map_get(&log->routes, route_key_number(key));
    if (edited)
        return edited;
    char *before = edit_log_hosts(db, key);
    if (!before)
        return NULL;
    edited = malloc(sizeof(*edited));
    if (edited)
        *edited = (struct edited){.key = key, .before = before};
    if (!edited || map_put(&log->routes, route_key_number(key), edited) != 0) {
        database_fail(db, "out of memory");
        free(edited);
        free(before);
        return NULL;
    }
    return edited;
}

static void edited_free(void *arg, void *value)
{
    struct edited *edited = value;
    (void)arg;
    free(edited->before);
    free(edited);
}

void edit_log_clear(struct edit_log *log)
{
    map_each(&log->routes, edited_free, NULL);
    map_free(&log->routes);
}

/* A walk over the routes of an edit, which writes rows until that fails. */
struct writing {
    struct database *db;
    sqlite3_stmt *insert; /* parameters 1 to 3 are bound: edit, time, user */
    int rc;
};

static void write_row(void *arg, void *value)
{
    struct writing *writing = arg;
    const struct edited *edited = value;
    if (writing->rc < 0 || !edited->changed)
        return;
    char *after = edit_log_hosts(writing->db, edited->key);
    if (!after) {
        writing->rc = -1;
        return;
    }
    sqlite3_bind_int64(writing->insert, 4, edited->key.modid);
    sqlite3_bind_int64(writing->insert, 5, edited->key.cmdid);
    sqlite3_bind_text(writing->insert, 6, edited->before, -1, SQLITE_STATIC);
    sqlite3_bind_text(writing->insert, 7, after, -1, SQLITE_TRANSIENT);
    writing->rc = database_run(writing->db, writing->insert);
    free(after);
}

static int write_rows(struct edit_log *log, struct database *db, int64_t edit)
{
    char user[USER_SIZE];
    struct writing writing = {
        .db = db, .insert = prepare(db, "INSERT INTO RouteEdit VALUES (?1, ?4, ?5, ?2, ?3, ?6, ?7)")};
    if (!writing.insert)
        return -1;
    name_user(user);
    sqlite3_bind_int64(writing.insert, 1, edit);
    sqlite3_bind_int64(writing.insert, 2, (int64_t)time(NULL));
    sqlite3_bind_text(writing.insert, 3, user, -1, SQLITE_STATIC);
    map_each(&log->routes, write_row, &writing);
    sqlite3_finalize(writing.insert);
    return writing.rc < 0 ? -1 : 0;
}

int64_t edit_log_write(struct edit_log *log, struct database *db)
{
    int64_t last = 0;
    if (run(db, prepare(db, create)) < 0)
        return -1;
    sqlite3_stmt *statement = prepare(db, "SELECT max(id) FROM RouteEdit");
    int rc = statement ? database_query(db, statement, 0, &last) : -1;
    sqlite3_finalize(statement);
    if (rc != 0 || write_rows(log, db, last + 1) != 0)
        return -1;
    statement = prepare(db, "DELETE FROM RouteEdit WHERE id <= ?1");
    sqlite3_bind_int64(statement, 1, last + 1 - STORE_LOG_EDITS);
    return run(db, statement) < 0 ? -1 : last + 1;
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
static int has_table(struct database *db)
{
    int64_t count = 0;
    sqlite3_stmt *statement = prepare(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'RouteEdit'");
    int rc = statement ? database_query(db, statement, 0, &count) : -1;
    sqlite3_finalize(statement);
    return rc < 0 ? rc : count > 0;
}

int edit_log_list(struct database *db, const uint32_t *modid, const uint32_t *cmdid, store_log_row_fn *row,
                  void *arg)
{
    int there = has_table(db);
    if (there <= 0)
        return there;
    sqlite3_stmt *statement = prepare(db, ROWS " WHERE modid BETWEEN ?1 AND ?2 AND cmdid BETWEEN ?3 AND ?4"
                                               " ORDER BY id, modid, cmdid");
    sqlite3_bind_int64(statement, 1, modid ? *modid : 0);
    sqlite3_bind_int64(statement, 2, modid ? *modid : UINT32_MAX);
    sqlite3_bind_int64(statement, 3, cmdid ? *cmdid : 0);
    sqlite3_bind_int64(statement, 4, cmdid ? *cmdid : UINT32_MAX);
    return statement ? read_rows(db, statement, row, arg) : -1;
}

int edit_log_read(struct database *db, int64_t edit, store_log_row_fn *row, void *arg)
{
    int there = has_table(db);
    if (there <= 0)
        return there;
    sqlite3_stmt *statement = prepare(db, ROWS " WHERE id = ?1 ORDER BY modid, cmdid");
    sqlite3_bind_int64(statement, 1, edit);
    return statement ? read_rows(db, statement, row, arg) : -1;
}
