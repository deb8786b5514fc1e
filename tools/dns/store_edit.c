/* SPDX-License-Identifier: MIT */
/* Edits of the store in one SQLite file, and the log of them. */
#include "tools/dns/store_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/common/parse.h"

int store_begin(struct store *store)
{
    int64_t now = (int64_t)time(NULL);
    if (database_run(&store->db, store->db.statements[BEGIN]) < 0)
        return -1;
    if (database_query(&store->db, store->db.statements[VERSION], 0, &store->version) != 0) {
        store_rollback(store);
        return -1;
    }
    store->edit_version = now > store->version ? now : store->version + 1;
    return 0;
}

/* Runs a statement that changes hosts of a route, and records that it did. Returns how many it changed. */
static int change(struct store *store, struct route_key key, sqlite3_stmt *statement)
{
    struct edited *edited = edit_log_route(&store->log, &store->db, key);
    int count = edited ? database_run(&store->db, statement) : -1;
    if (count <= 0 || edited->changed)
        return count;
    edited->changed = true;
    store->keys++;
    int rc = database_run(&store->db, BIND(store, ADD_CHANGE, key.modid, key.cmdid, store->edit_version));
    return rc < 0 ? rc : count;
}

int store_add(struct store *store, struct route_key key, struct host_addr host)
{
    return change(store, key,
                  BIND(store, ADD_HOST, key.modid, key.cmdid, ntohl(host.address), ntohs(host.port)));
}

int store_delete(struct store *store, struct route_key key, const struct host_addr *host)
{
    sqlite3_stmt *statement =
        host ? BIND(store, DELETE_HOST, key.modid, key.cmdid, ntohl(host->address), ntohs(host->port))
             : BIND(store, DELETE_ROUTE, key.modid, key.cmdid);
    return change(store, key, statement);
}

static int compare_hosts(const void *one, const void *other)
{
    const struct host_addr *a = one, *b = other;
    return (host_addr_order(*a) > host_addr_order(*b)) - (host_addr_order(*a) < host_addr_order(*b));
}

/* Hosts from a text as RouteEdit has it, for the caller to free. What is no host, another program wrote. */
static struct host_addr *parse_hosts(const char *text, size_t *count)
{
    char *words = strdup(text), *rest = NULL;
    struct host_addr *hosts = words ? calloc(strlen(words) + 1, sizeof(*hosts)) : NULL;
    *count = 0;
    for (char *word = hosts ? strtok_r(words, " ", &rest) : NULL; word; word = strtok_r(NULL, " ", &rest))
        *count += parse_host(word, &hosts[*count]);
    free(words);
    return hosts;
}

/* Deletes those of `now` that are not among the sorted `wanted`. */
static int delete_others(struct store *store, struct route_key key, const struct host_addr *now, size_t count,
                         const struct host_addr *wanted, size_t wanted_count)
{
    int deleted = 0;
    for (size_t i = 0; i < count; i++) {
        if (bsearch(&now[i], wanted, wanted_count, sizeof(*wanted), compare_hosts))
            continue;
        if (store_delete(store, key, &now[i]) < 0)
            return -1;
        deleted++;
    }
    return deleted;
}

int store_set(struct store *store, struct route_key key, struct host_addr *hosts, size_t count, int *deleted)
{
    size_t now_count;
    int added = 0;
    struct edited *edited = edit_log_route(&store->log, &store->db, key);
    char *text = edited ? edit_log_hosts(&store->db, key) : NULL;
    struct host_addr *now = text ? parse_hosts(text, &now_count) : NULL;
    free(text);
    if (!now)
        return edited && text ? database_fail(&store->db, "out of memory") : -1;
    qsort(hosts, count, sizeof(*hosts), compare_hosts);
    *deleted = delete_others(store, key, now, now_count, hosts, count);
    free(now);
    if (*deleted < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        int rc = store_add(store, key, hosts[i]);
        if (rc < 0)
            return -1;
        added += rc;
    }
    return added;
}

/* An undo under way. */
struct undo {
    struct store *store;
    bool force;
    int routes;
    int rc;
};

static int undo_row(void *arg, const struct store_log_row *row)
{
    struct undo *undo = arg;
    struct store *store = undo->store;
    size_t count;
    int deleted;
    char *now = edit_log_hosts(&store->db, row->key);
    struct host_addr *before = now ? parse_hosts(row->before, &count) : NULL;
    undo->rc = -1;
    if (now && !before)
        database_fail(&store->db, "out of memory");
    else if (now && !undo->force && strcmp(now, row->after) != 0)
        database_fail(&store->db,
                      "route %" PRIu32 " %" PRIu32 " has changed since edit %" PRId64
                      ": see 'route log %" PRIu32 " %" PRIu32
                      "'; --force sets it to what it was before that edit",
                      row->key.modid, row->key.cmdid, row->edit, row->key.modid, row->key.cmdid);
    else if (now)
        undo->rc = store_set(store, row->key, before, count, &deleted) < 0 ? -1 : 0;
    free(now);
    free(before);
    undo->routes++;
    return undo->rc;
}

int store_undo(struct store *store, int64_t edit, bool force)
{
    struct undo undo = {.store = store, .force = force};
    if (edit_log_read(&store->db, edit, undo_row, &undo) != 0 || undo.rc != 0)
        return -1;
    return undo.routes;
}

int store_log(struct store *store, const uint32_t *modid, const uint32_t *cmdid, store_log_row_fn *row,
              void *arg)
{
    return edit_log_list(&store->db, modid, cmdid, row, arg);
}

int store_commit(struct store *store, struct store_edit *edit)
{
    uint64_t keys = store->keys;
    int64_t number = 0;
    if (keys == 0) {
        store_rollback(store);
    } else if ((number = edit_log_write(&store->log, &store->db)) < 0 ||
               database_run(&store->db, BIND(store, SET_VERSION, store->edit_version)) < 0 ||
               database_run(&store->db, store->db.statements[COMMIT]) < 0) {
        return -1;
    }
    *edit = (struct store_edit){
        .keys = keys, .number = number, .version = (uint64_t)(keys ? store->edit_version : store->version)};
    edit_log_clear(&store->log);
    store->keys = 0;
    return 0;
}

void store_rollback(struct store *store)
{
    sqlite3_step(store->db.statements[ROLLBACK]);
    sqlite3_reset(store->db.statements[ROLLBACK]);
    edit_log_clear(&store->log);
    store->keys = 0;
}
