/* SPDX-License-Identifier: MIT */
/*
 * Edits of the store in a MariaDB database, and RouteEdit, the log of them: a table beside those of Lars. Where it is
 * missing and may not be made, edits go on without a log.
 */
#include <errmsg.h>
#include <inttypes.h>
#include <mysqld_error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/dns/log_text.h"
#include "tools/dns/maria_batch.h"
#include "tools/dns/maria_rows.h"
#include "tools/dns/maria_schema.h"
#include "tools/dns/store_maria_internal.h"

enum {
    SINGLE_DELETES = 100, /* routes; the rows of more are found in one reading of the table */
    DELETED_MAX = 5000,   /* rows of the log that an edit deletes */
};

/* Statements that change nothing, and fail without the right to it. */
static int try_log(struct maria *maria)
{
    if (maria_run(maria,
                  "INSERT INTO RouteEdit (id, modid, cmdid, time, user, `before`, `after`)"
                  " SELECT id, modid, cmdid, time, user, `before`, `after` FROM RouteEdit WHERE 1 = 0") < 0)
        return -1;
    return maria_run(maria, "DELETE FROM RouteEdit WHERE 1 = 0") < 0 ? -1 : 0;
}

/* RouteEdit is made outside of the transaction: making a table ends one. */
static void check_log(struct store_maria *store)
{
    struct maria *maria = &store->maria;
    if (store->log_checked)
        return;
    int rc = try_log(maria);
    if (rc != 0 && maria->code == ER_NO_SUCH_TABLE)
        rc = maria_run(maria, "%s", maria_schema_log) < 0 ? -1 : 0;
    if (rc != 0 && maria->again)
        return;
    store->log_checked = true;
    if (rc == 0)
        return;
    snprintf(store->unlogged, sizeof(store->unlogged), "%s", maria->error);
    store->store.unlogged = store->unlogged;
}

static int fail_without_version(struct maria *maria)
{
    return maria_fail(maria, "%s: RouteVersion has lost its row with id 1: 'larshm-dns schema' makes one",
                      maria->name);
}

static int begin(struct store_maria *store, uint64_t *version)
{
    struct maria *maria = &store->maria;
    if (maria_run(maria, "START TRANSACTION") < 0)
        return -1;
    store->editing = true;
    int rc = maria_number(maria, version, "SELECT version FROM RouteVersion WHERE id = 1 FOR UPDATE");
    return rc > 0 ? fail_without_version(maria) : rc;
}

int store_maria_draft(struct store *base, uint64_t *version)
{
    struct store_maria *store = maria_store(base);
    struct maria *maria = &store->maria;
    if (maria_connect(maria) != 0)
        return -1;
    check_log(store);
    store->editing = true;
    int rc = maria_number(maria, version, "SELECT version FROM RouteVersion WHERE id = 1");
    return rc > 0 ? fail_without_version(maria) : rc;
}

int store_maria_begin(struct store *base, uint64_t *version)
{
    struct store_maria *store = maria_store(base);
    if (maria_connect(&store->maria) != 0)
        return -1;
    check_log(store);
    if (begin(store, version) == 0)
        return 0;
    store_maria_rollback(base);
    return -1;
}

static int delete_route(struct maria *maria, struct route_key key)
{
    int64_t rc = maria_run(maria, "DELETE FROM RouteData WHERE modid = %" PRIu32 " AND cmdid = %" PRIu32,
                           key.modid, key.cmdid);
    return rc < 0 ? -1 : 0;
}

/* Of a route that keeps some hosts. The rows are those of one route. */
static int delete_hosts(struct maria *maria, const struct row *rows, size_t count)
{
    char head[160];
    struct batch batch = {.maria = maria, .head = head, .tail = ")"};
    snprintf(head, sizeof(head),
             "DELETE FROM RouteData WHERE modid = %" PRIu32 " AND cmdid = %" PRIu32
             " AND (serverip, serverport) IN (",
             rows->key.modid, rows->key.cmdid);
    for (size_t i = 0; i < count; i++) {
        FILE *out = batch_row(&batch);
        if (out)
            fprintf(out, "(%" PRIu32 ",%u)", ntohl(rows[i].host.address), (unsigned)ntohs(rows[i].host.port));
    }
    batch_end(&batch);
    return batch.rc;
}

static int delete_one_by_one(struct maria *maria, const struct changes *changes)
{
    const struct row *rows = changes->deleted, *end = rows + changes->deleted_count;
    for (size_t i = 0; i < changes->route_count; i++) {
        const struct edited *route = changes->routes[i];
        size_t count = 0;
        while (rows + count < end && route_key_equal(rows[count].key, route->key))
            count++;
        int rc = 0;
        if (route->now.count == 0)
            rc = delete_route(maria, route->key);
        else if (count > 0)
            rc = delete_hosts(maria, rows, count);
        if (rc != 0)
            return rc;
        rows += count;
    }
    return 0;
}

static int delete_rows(struct maria *maria, const struct changes *changes)
{
    if (changes->deleted_count == 0)
        return 0;
    return changes->route_count > SINGLE_DELETES
               ? maria_rows_delete(maria, "RouteData", changes->deleted, changes->deleted_count, false)
               : delete_one_by_one(maria, changes);
}

int store_maria_announce(struct maria *maria, const struct changes *changes, uint64_t version)
{
    struct batch batch = {
        .maria = maria, .head = "INSERT INTO RouteChange (modid, cmdid, version) VALUES ", .tail = ""};
    for (size_t i = 0; i < changes->route_count; i++) {
        struct route_key key = changes->routes[i]->key;
        FILE *out = batch_row(&batch);
        if (out)
            fprintf(out, "(%" PRIu32 ",%" PRIu32 ",%" PRIu64 ")", key.modid, key.cmdid, version);
    }
    batch_end(&batch);
    return batch.rc;
}

/* The hosts have no character that a quoted text could not have. */
static void log_route(FILE *out, const struct edited *route, int64_t edit, const char *user,
                      const char *before, const char *after)
{
    fprintf(out, "(%" PRId64 ",%" PRIu32 ",%" PRIu32 ",%" PRId64 ",'%s','%s','%s')", edit, route->key.modid,
            route->key.cmdid, (int64_t)time(NULL), user, before, after);
}

int store_maria_log_routes(struct maria *maria, const struct changes *changes, int64_t edit)
{
    char user[LOG_USER_SIZE], quoted[2 * LOG_USER_SIZE + 1];
    struct batch batch = {
        .maria = maria,
        .head = "REPLACE INTO RouteEdit (id, modid, cmdid, time, user, `before`, `after`) VALUES ",
        .tail = ""};
    log_text_user(user);
    mysql_real_escape_string(maria->mysql, quoted, user, strlen(user));
    for (size_t i = 0; i < changes->route_count; i++) {
        const struct edited *route = changes->routes[i];
        FILE *out = batch_row(&batch);
        char *before = out ? log_text(&route->before) : NULL, *after = out ? log_text(&route->now) : NULL;
        if (before && after)
            log_route(out, route, edit, quoted, before, after);
        else if (out)
            batch.rc = maria_fail(maria, "out of memory");
        free(before);
        free(after);
    }
    batch_end(&batch);
    return batch.rc;
}

/* Adds what changed to the log, in an edit that has begun there, or as a new one. What is too old is deleted bit by bit. */
static int log_edit(struct maria *maria, const struct changes *changes, int64_t *number)
{
    uint64_t last = 0;
    int64_t edit = *number;
    if (edit == 0 && maria_number(maria, &last, "SELECT max(id) FROM RouteEdit") < 0)
        return -1;
    if (edit == 0)
        edit = (int64_t)last + 1;
    if (store_maria_log_routes(maria, changes, edit) != 0 ||
        maria_run(maria, "DELETE FROM RouteEdit WHERE id <= %" PRId64 " ORDER BY id, modid, cmdid LIMIT %d",
                  edit - STORE_LOG_EDITS, DELETED_MAX) < 0)
        return -1;
    *number = edit;
    return 0;
}

int store_maria_write(struct store *base, const struct changes *changes, uint64_t version, int64_t *number)
{
    struct store_maria *store = maria_store(base);
    struct maria *maria = &store->maria;
    if (delete_rows(maria, changes) != 0 ||
        maria_rows_insert(maria, "RouteData", changes->added, changes->added_count, false) != 0 ||
        store_maria_announce(maria, changes, version) != 0 ||
        (!base->unlogged && log_edit(maria, changes, number) != 0))
        return -1;
    return maria_run(maria, "UPDATE RouteVersion SET version = %" PRIu64 " WHERE id = 1", version) < 0 ? -1
                                                                                                       : 0;
}

static void forget(struct store_maria *store)
{
    store->editing = false;
    store->reads = 0;
    table_free(&store->all);
}

/* Nothing tells whether a commit that was not answered was done. */
int store_maria_commit(struct store *base)
{
    struct store_maria *store = maria_store(base);
    struct maria *maria = &store->maria;
    bool connected = maria->mysql;
    if (maria_run(maria, "COMMIT") >= 0) {
        forget(store);
        return 0;
    }
    if (connected && !maria->mysql && maria->code >= CR_MIN_ERROR) {
        maria->again = false;
        return maria_fail(
            maria,
            "%s: the connection was lost while the edit was committed: it may be done or not, see "
            "'route list'",
            maria->name);
    }
    return -1;
}

void store_maria_rollback(struct store *base)
{
    struct store_maria *store = maria_store(base);
    struct maria *maria = &store->maria;
    /* The error and what it says stay those of what failed; a connection that cannot roll back ends. */
    if (maria->mysql && store->editing && mysql_query(maria->mysql, "ROLLBACK") != 0)
        maria_leave(maria);
    forget(store);
}

static const char *text_of(MYSQL_ROW row, unsigned column)
{
    return row[column] ? row[column] : "";
}

int store_maria_log(struct store *base, const struct log_filter *filter, store_log_row_fn *row, void *arg)
{
    struct maria *maria = &maria_store(base)->maria;
    char of_edit[48] = "";
    if (filter->edit)
        snprintf(of_edit, sizeof(of_edit), "id = %" PRId64 " AND ", filter->edit);
    MYSQL_RES *rows = maria_query(
        maria,
        "SELECT id, time, user, modid, cmdid, `before`, `after` FROM RouteEdit WHERE %s"
        "id > (SELECT max(id) FROM RouteEdit) - %d AND modid BETWEEN %" PRIu32 " AND %" PRIu32
        " AND cmdid BETWEEN %" PRIu32 " AND %" PRIu32 " ORDER BY id, modid, cmdid",
        of_edit, STORE_LOG_EDITS, filter->modid_min, filter->modid_max, filter->cmdid_min, filter->cmdid_max);
    if (!rows)
        return maria->code == ER_NO_SUCH_TABLE ? 0 : -1;
    for (MYSQL_ROW line; (line = mysql_fetch_row(rows));) {
        const struct store_log_row read = {
            .edit = (int64_t)maria_column(line, 0),
            .time = (int64_t)maria_column(line, 1),
            .user = text_of(line, 2),
            .key = {(uint32_t)maria_column(line, 3), (uint32_t)maria_column(line, 4)},
            .before = text_of(line, 5),
            .after = text_of(line, 6),
        };
        if (row(arg, &read) != 0)
            break;
    }
    mysql_free_result(rows);
    return 0;
}
