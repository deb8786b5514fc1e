/* SPDX-License-Identifier: MIT */
#include "tools/dns/replica_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "conf/log.h"
#include "tools/dns/maria_routes.h"
#include "tools/dns/maria_schema.h"

enum {
    HINT_MS = 50,
    NODE_MS = 1000,         /* how often a node is checked */
    RETRY_MS = 200,         /* when no host can be used */
    COMPARE_MIN_MS = 100,   /* after a hint, ... */
    COMPARE_SHARE = 4,      /* ... and so many times what a comparison takes, ... */
    COMPARE_MAX_MS = 10000, /* ... but not longer than this */
    BACKUP_SECONDS = 60,    /* that the clocks of editors may be behind */
    BEHIND_MS = 60000,      /* that hosts which are all behind are not believed */
    CLEAN_MS = 60000,       /* that rows of RouteChange are kept at least */
    CLEAN_ROWS = 5000,
    LOSS_ROUTES = 100,          /* of fewer, that most are gone is nothing to warn of */
    KEYS_MAX = 200,             /* routes that are read one by one */
    ROWS_WITHOUT_INDEX = 20000, /* up to so many, that is quick without an index, too */
};

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Those of RouteChange that were not seen before. Returns how many, or -1. */
static int read_changes(struct replica *replica, struct route_keys *keys)
{
    MYSQL_RES *rows =
        maria_query(replica->maria,
                    "SELECT id, modid, cmdid, version FROM RouteChange ORDER BY id DESC LIMIT %d", HINTS_MAX);
    int fresh = 0;
    if (!rows)
        return -1;
    for (MYSQL_ROW row; (row = mysql_fetch_row(rows));) {
        const struct hint hint = {
            .id = maria_column(row, 0),
            .version = maria_column(row, 3),
            .key = {(uint32_t)maria_column(row, 1), (uint32_t)maria_column(row, 2)},
        };
        if (!hints_see(&replica->hints, &hint))
            continue;
        fresh++;
        route_keys_add(keys, hint.key);
    }
    mysql_free_result(rows);
    return fresh;
}

/* One that has just been connected may be behind another, and is not believed then. */
static int check_version(struct replica *replica, uint64_t version)
{
    uint64_t now = now_ms();
    if (!replica->fresh)
        return 0;
    if (version < replica->version) {
        if (replica->behind_since == 0)
            replica->behind_since = now;
        if (now - replica->behind_since < BEHIND_MS) {
            maria_fail(replica->maria,
                       "%s is behind: its version is %" PRIu64 ", and %" PRIu64
                       " was seen; it is believed if no host has a newer one for %d s",
                       replica->maria->name, version, replica->version, BEHIND_MS / 1000);
            maria_leave(replica->maria);
            return -1;
        }
    }
    replica->behind_since = 0;
    replica->fresh = false;
    replica->hinted = true; /* it may have other rows */
    /* What another node had committed has come by now, and this one stays in order. */
    return replica->maria->cluster && maria_run(replica->maria, "SET SESSION wsrep_sync_wait = 0") < 0 ? -1
                                                                                                       : 0;
}

/* Versions may be ahead of the clock, and an edit by hand with that of the clock is no backup. */
static bool is_restored(const struct replica *replica, uint64_t version)
{
    return version < replica->version && version + BACKUP_SECONDS < (uint64_t)time(NULL);
}

/* Looks at the hints. *keys are the routes that they name. */
static int read_hints(struct replica *replica, struct route_keys *keys)
{
    uint64_t version = 0;
    if (maria_number(replica->maria, &version, "SELECT version FROM RouteVersion WHERE id = 1") < 0 ||
        check_version(replica, version) != 0)
        return -1;
    int fresh = read_changes(replica, keys);
    if (fresh < 0)
        return -1;
    replica->hinted |= fresh > 0 || version != replica->version;
    replica->back |= is_restored(replica, version);
    replica->version = version;
    return 0;
}

/* An operator's mistake looks like any other edit. */
static void warn_of_loss(const struct table *before, const struct table *after, const struct route_keys *keys)
{
    size_t routes = table_routes(before), lost = 0, hosts;
    for (size_t i = 0; i < keys->count; i++) {
        table_find(after, keys->keys[i], &hosts);
        lost += hosts == 0;
    }
    if (routes >= LOSS_ROUTES && lost > routes / 2)
        log_line(
            LOG_LEVEL_WARNING,
            "%zu of %zu routes are gone from RouteData, and fetchers serve them only for their empty_hold: if "
            "that is a mistake, undo the edit, see 'route log', or bring the rows back from a backup",
            lost, routes);
}

/* Compares all rows. */
static int compare(struct replica *replica)
{
    uint64_t start = now_ms();
    struct table table = {0};
    struct route_keys keys = {0};
    replica->hinted = false;
    if (maria_routes_load(replica->maria, "RouteData", &table) != 0) {
        replica->hinted = true;
        return -1;
    }
    table_compare(&replica->table, &table, route_keys_add, &keys);
    replica->compared = now_ms();
    replica->compare_ms = replica->compared - start;
    int rc = keys.failed ? maria_fail(replica->maria, "out of memory") : 0;
    if (rc == 0 && keys.count > 0) {
        warn_of_loss(&replica->table, &table, &keys);
        replica_hand_over(replica, &table, &keys, replica->version, replica->back);
    } else if (rc == 0)
        replica_set_version(replica);
    if (rc == 0)
        replica->back = false;
    table_free(&table);
    route_keys_free(&keys);
    return rc;
}

/* Reads the routes that a hint has named. */
static int read_routes(struct replica *replica, const struct route_keys *named)
{
    struct table rows = {0}, table = {0};
    struct route_keys keys = {0};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < named->count; i++) {
        size_t before = rows.count, had;
        rc = maria_routes_read(replica->maria, named->keys[i], &rows);
        const struct row *old = table_find(&replica->table, named->keys[i], &had);
        if (rc == 0 && !rows_same(old, had, table_from(&rows, before), rows.count - before))
            route_keys_add(&keys, named->keys[i]);
    }
    if (rc == 0 && (keys.failed ||
                    (keys.count > 0 && !table_patch(&replica->table, keys.keys, keys.count, &rows, &table))))
        rc = maria_fail(replica->maria, "out of memory");
    if (rc == 0 && keys.count > 0)
        replica_hand_over(replica, &table, &keys, replica->table_version,
                          false); /* others may have changed, too */
    table_free(&rows);
    table_free(&table);
    route_keys_free(&keys);
    return rc;
}

static bool compare_is_due(const struct replica *replica)
{
    uint64_t pause = replica->compare_ms * COMPARE_SHARE, since = now_ms() - replica->compared;
    if (pause < COMPARE_MIN_MS)
        pause = COMPARE_MIN_MS;
    return since >= COMPARE_MAX_MS || (replica->hinted && since >= pause);
}

/* Rows that every directory has had time to see. Lars deletes them at once; the right to do it may be missing. */
static int clean(struct replica *replica)
{
    uint64_t now = now_ms();
    if (now - replica->clean_since < CLEAN_MS)
        return 0;
    int64_t rc = maria_run(replica->maria,
                           "DELETE FROM RouteChange WHERE id <= %" PRIu64
                           " AND version <= (SELECT version FROM RouteVersion WHERE id = 1)"
                           " ORDER BY id LIMIT %d",
                           replica->clean_id, CLEAN_ROWS);
    if (rc < 0 && !replica->maria->mysql)
        return -1;
    if (rc < CLEAN_ROWS) {
        replica->clean_since = now;
        replica->clean_id = 0;
        if (maria_number(replica->maria, &replica->clean_id, "SELECT max(id) FROM RouteChange") < 0)
            return -1;
    }
    return 0;
}

/* Hints go on without it. */
static int check_table(struct maria *maria)
{
    MYSQL_RES *rows = maria_query(maria, "SELECT modid, cmdid, serverip, serverport FROM RouteData LIMIT 0");
    if (!rows)
        return -1;
    mysql_free_result(rows);
    return 0;
}

static int connect_and_check(struct replica *replica)
{
    uint64_t now = now_ms();
    if (!replica->maria->mysql) {
        if (maria_connect(replica->maria) != 0)
            return -1;
        replica->fresh = true;
    } else if (now - replica->node_checked < NODE_MS) {
        return 0;
    } else if (maria_check_node(replica->maria) != 0 || check_table(replica->maria) != 0) {
        return -1;
    }
    replica->node_checked = now;
    return 0;
}

static bool can_read_routes(const struct replica *replica, const struct route_keys *keys)
{
    return keys->count <= KEYS_MAX && (replica->indexed || replica->table.count <= ROWS_WITHOUT_INDEX);
}

/* Too many routes to read one by one are left to the comparison. */
static int look(struct replica *replica, struct route_keys *keys)
{
    if (connect_and_check(replica) != 0 || read_hints(replica, keys) != 0)
        return -1;
    route_keys_sort(keys);
    if (!keys->failed && keys->count > 0 && can_read_routes(replica, keys))
        if (read_routes(replica, keys) != 0 || !replica_wait_taken(replica))
            return -1;
    if (compare_is_due(replica) && compare(replica) != 0)
        return -1;
    return clean(replica);
}

void *replica_run(void *arg)
{
    struct replica *replica = arg;
    uint64_t pause = HINT_MS;
    mysql_thread_init();
    while (replica_wait_ms(replica, pause) && replica_wait_taken(replica)) {
        struct route_keys keys = {0};
        int rc = look(replica, &keys);
        route_keys_free(&keys);
        replica_set_error(replica, rc == 0 ? "" : replica->maria->error);
        pause = rc == 0 ? HINT_MS : RETRY_MS;
    }
    mysql_thread_end();
    return NULL;
}

/* The hints come first: what changes meanwhile is one, or in the rows. */
int replica_read_all(struct replica *replica)
{
    struct maria *maria = replica->maria;
    struct route_keys keys = {0};
    int rc = maria_schema_has_index(maria, &replica->indexed);
    if (rc == 0)
        rc = read_hints(replica, &keys);
    route_keys_free(&keys);
    if (rc != 0)
        return rc;
    uint64_t start = now_ms();
    replica->hinted = false;
    rc = maria_routes_load(maria, "RouteData", &replica->table);
    replica->table_version = replica->version;
    replica->compared = replica->clean_since = now_ms();
    replica->compare_ms = replica->compared - start;
    return rc;
}
