/* SPDX-License-Identifier: MIT */
/* The store in a MariaDB database: all but edits. */
#include "tools/dns/store_maria.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/dns/store_maria_internal.h"

enum {
    CONNECT_SECONDS = 5,
    READ_SECONDS = 60, /* without an index, many rows are looked at for each answer */
    READS_MAX = 200,   /* of single routes by an edit; for more, it reads all at once */
    OPEN_TRIES = 3,    /* a cluster that loses a node answers nothing for some seconds */
};

static void close_connection(struct store *base)
{
    struct store_maria *store = maria_store(base);
    replica_free(store->replica);
    table_free(&store->all);
    maria_close(&store->maria);
    free(store);
}

static size_t copy_hosts(const struct row *rows, size_t count, struct host_addr *hosts, size_t cap)
{
    size_t copied = count < cap ? count : cap;
    for (size_t i = 0; i < copied; i++)
        hosts[i] = rows[i].host;
    return copied;
}

/* The rows of many routes one by one take longer than all of them at once, and the index may be missing. */
static int read_all(struct store_maria *store)
{
    if (!store->editing || ++store->reads <= READS_MAX || store->all.rows)
        return 0;
    return maria_routes_load(&store->maria, "RouteData", &store->all);
}

static int read_route(struct store *base, struct route_key key, struct host_addr *hosts, size_t cap,
                      size_t *count)
{
    struct store_maria *store = maria_store(base);
    struct table table = {0};
    if (!store->replica && read_all(store) != 0)
        return -1;
    const struct table *all = store->replica ? replica_table(store->replica) : &store->all;
    if (store->replica || all->rows) {
        size_t found;
        const struct row *rows = table_find(all, key, &found);
        *count = copy_hosts(rows, found, hosts, cap);
        return 0;
    }
    if (maria_routes_read(&store->maria, key, &table) != 0)
        return -1;
    *count = copy_hosts(table.rows, table.count, hosts, cap);
    table_free(&table);
    return 0;
}

static int list(struct store *base, const uint32_t *modid, const uint32_t *cmdid, store_row_fn *row,
                void *arg)
{
    struct store_maria *store = maria_store(base);
    struct table table = {0};
    struct row found;
    MYSQL_RES *rows = maria_stream(
        &store->maria,
        "SELECT modid, cmdid, serverip, serverport FROM RouteData WHERE modid BETWEEN %" PRIu32
        " AND %" PRIu32 " AND cmdid BETWEEN %" PRIu32 " AND %" PRIu32,
        modid ? *modid : 0, modid ? *modid : UINT32_MAX, cmdid ? *cmdid : 0, cmdid ? *cmdid : UINT32_MAX);
    bool room = true;
    if (!rows)
        return -1;
    for (MYSQL_ROW line; (line = mysql_fetch_row(rows));)
        if (maria_routes_row(maria_column(line, 0), maria_column(line, 1), maria_column(line, 2),
                             maria_column(line, 3), &found))
            room = room && table_add(&table, &found);
    int rc = maria_end(&store->maria, rows);
    if (!room)
        rc = maria_fail(&store->maria, "out of memory");
    table_sort(&table);
    for (size_t i = 0; rc == 0 && i < table.count; i++)
        if (row(arg, table.rows[i].key, table.rows[i].host) != 0)
            break;
    table_free(&table);
    return rc;
}

static int load(struct store *base)
{
    struct store_maria *store = maria_store(base);
    for (int i = 0; !store->replica && i < OPEN_TRIES; i++) {
        store->replica = replica_load(&store->maria);
        if (!store->replica && !store->maria.again)
            return -1;
    }
    if (!store->replica)
        return -1;
    base->error = store->error; /* the other one is the thread's */
    if (!replica_indexed(store->replica))
        base->slow =
            "RouteData has no index on (modid, cmdid), so a change of a large table is pushed after all of it "
            "was compared: 'larshm-dns schema' makes one";
    return 0;
}

static int watch(struct store *base, store_wake_fn *wake, void *arg)
{
    return replica_start(maria_store(base)->replica, wake, arg);
}

static void unwatch(struct store *base)
{
    replica_stop(maria_store(base)->replica);
}

/* From here on: of a store that is loaded. */
static int begin_reading(struct store *base)
{
    (void)base;
    return 0;
}

static void end_reading(struct store *base)
{
    (void)base;
}

static int measure(struct store *base, struct store_size *size)
{
    const struct table *table = replica_table(maria_store(base)->replica);
    *size = (struct store_size){.routes = table_routes(table), .hosts = table->count};
    return 0;
}

static int poll(struct store *base, store_changed_fn *changed, void *arg)
{
    struct replica *replica = maria_store(base)->replica;
    bool something = replica_take(replica, changed, arg);
    return replica_went_back(replica) ? 2 : something;
}

static bool version(const struct store *base, uint64_t *out)
{
    const struct store_maria *store = (const struct store_maria *)base;
    *out = store->replica ? replica_version(store->replica) : 0;
    return store->replica;
}

static void edited_path(const struct store *base, char path[static STORE_PATH_SIZE])
{
    (void)base;
    path[0] = '\0';
}

static int follow(struct store *base)
{
    struct store_maria *store = maria_store(base);
    return replica_state(store->replica, store->error);
}

/* The replica's thread does it. */
static int clean(struct store *base)
{
    (void)base;
    return 0;
}

static const struct store_kind kind = {
    .close = close_connection,
    .read = read_route,
    .list = list,
    .measure = measure,
    .load = load,
    .watch = watch,
    .unwatch = unwatch,
    .begin_reading = begin_reading,
    .end_reading = end_reading,
    .poll = poll,
    .version = version,
    .edited_path = edited_path,
    .follow = follow,
    .clean = clean,
    .draft = store_maria_draft,
    .stage = store_maria_stage,
    .begin = store_maria_begin,
    .write = store_maria_write,
    .commit = store_maria_commit,
    .rollback = store_maria_rollback,
    .log = store_maria_log,
};

/* Fails unless the database can be used. */
static int check(struct maria *maria)
{
    int rc = maria_routes_check(maria);
    for (int i = 1; rc != 0 && maria->again && i < OPEN_TRIES; i++) {
        maria_leave(maria);
        rc = maria_connect(maria) != 0 ? -1 : maria_routes_check(maria);
    }
    return rc;
}

int store_maria_open(struct store **out, const char *url, char error[static STORE_ERROR_SIZE])
{
    static const struct maria_limits limits = {CONNECT_SECONDS, READ_SECONDS};
    struct store_maria *store = calloc(1, sizeof(*store));
    if (!store) {
        snprintf(error, STORE_ERROR_SIZE, "out of memory");
        return -1;
    }
    store->store = (struct store){.kind = &kind, .error = store->maria.error, .again = &store->maria.again};
    if (maria_open(&store->maria, url, &limits) != 0 || check(&store->maria) != 0) {
        snprintf(error, STORE_ERROR_SIZE, "%s", store->maria.error);
        close_connection(&store->store);
        return -1;
    }
    *out = &store->store;
    return 0;
}
