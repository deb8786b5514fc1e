/* SPDX-License-Identifier: MIT */
/* The store in one SQLite file. What is kept is a tree in memory: it outlives the connection. */
#include "tools/reporter/status_store.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/database.h"
#include "tools/common/follow.h"

#define KEY    "modid, cmdid, ip, port, caller"
#define VALUES "succ_cnt, err_cnt, ts, overload"

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

struct status_store {
    struct database db;
    void *kept; /* tsearch's tree of struct status, by compare_keys() */
    size_t kept_count;
};

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_keys(const void *one, const void *other)
{
    const struct status *a = one, *b = other;
    int order = compare(route_key_number(a->route), route_key_number(b->route));
    if (order == 0)
        order = compare(host_addr_word(a->host), host_addr_word(b->host));
    return order != 0 ? order : compare(a->caller, b->caller);
}

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
    tdestroy(store->kept, free);
    free(store);
}

const char *status_store_error(const struct status_store *store)
{
    return store->db.error;
}

int status_store_follow(struct status_store *store)
{
    return database_follow(&store->db);
}

int status_store_keep(struct status_store *store, const struct status *status)
{
    struct status **found = tfind(status, &store->kept, compare_keys);
    if (found) {
        **found = *status;
        return 0;
    }
    if (store->kept_count == STATUS_KEPT_MAX)
        return database_fail(&store->db, "%zu results wait for database %s already", store->kept_count,
                             store->db.path);
    struct status *kept = malloc(sizeof(*kept));
    if (kept)
        *kept = *status;
    if (!kept || !tsearch(kept, &store->kept, compare_keys)) {
        free(kept);
        return database_fail(&store->db, "out of memory");
    }
    store->kept_count++;
    return 0;
}

size_t status_store_kept(const struct status_store *store)
{
    return store->kept_count;
}

/* A walk over what is kept, which goes to the database until that fails. */
struct writing {
    struct database *db;
    int rc;
};

static void write_status(const void *node, VISIT visit, void *arg)
{
    struct writing *writing = arg;
    const struct status *status = *(struct status *const *)node;
    if ((visit == postorder || visit == leaf) && writing->rc >= 0)
        writing->rc = database_run(writing->db,
                                   DATABASE_BIND(writing->db, WRITE, status->route.modid, status->route.cmdid,
                                                 ntohl(status->host.address), ntohs(status->host.port),
                                                 status->caller, status->successes, status->failures,
                                                 status->time, status->overloaded));
}

int status_store_commit(struct status_store *store, int wait_ms)
{
    struct writing writing = {.db = &store->db};
    if (store->kept_count == 0)
        return 0;
    database_set_wait(&store->db, wait_ms);
    if (database_run(&store->db, store->db.statements[BEGIN]) < 0)
        return -1;
    twalk_r(store->kept, write_status, &writing);
    if (writing.rc < 0 || database_run(&store->db, store->db.statements[COMMIT]) < 0) {
        sqlite3_step(store->db.statements[ROLLBACK]);
        sqlite3_reset(store->db.statements[ROLLBACK]);
        return -1;
    }
    tdestroy(store->kept, free);
    store->kept = NULL;
    store->kept_count = 0;
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
