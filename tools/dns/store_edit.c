/* SPDX-License-Identifier: MIT */
/* Edits of the store: made in memory, written by the kind of database that it is in. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/dns/log_text.h"
#include "tools/dns/store_kind.h"

enum {
    HOSTS_FIRST = 64, /* read of a route; more if it has more */
    TRY_SECONDS =
        20, /* an edit that other editors came before; a cluster that loses a node takes none for some seconds */
    LARGE_TRIES = 3,    /* however long they take */
    PAUSE_MS = 5,       /* after the first; then twice as long each time, ... */
    PAUSE_MAX_MS = 500, /* ... up to this */
};

int store_begin(struct store *store)
{
    uint64_t now = (uint64_t)time(NULL);
    if (store->kind->begin(store, &store->version) != 0)
        return -1;
    store->edit_version = now > store->version ? now : store->version + 1;
    return 0;
}

static int fail_memory(struct store *store)
{
    return store_fail(store, "out of memory");
}

static struct edited *read_edited(struct store *store, struct route_key key)
{
    struct host_addr *hosts = NULL, *grown;
    struct edited *edited = NULL;
    size_t cap = HOSTS_FIRST / 2, count = cap;
    int rc = 0;
    while (rc == 0 && count == cap) {
        cap *= 2;
        if (!(grown = reallocarray(hosts, cap, sizeof(*hosts))))
            rc = fail_memory(store);
        else
            rc = store->kind->read(store, key, hosts = grown, cap, &count);
    }
    if (rc == 0 && !(edited = edit_put(&store->edit, key, hosts, count)))
        fail_memory(store);
    free(hosts);
    return edited;
}

/* The route in the edit under way. NULL: it could not be read, and store->error says why. */
static struct edited *route_of(struct store *store, struct route_key key)
{
    struct edited *edited = edit_find(&store->edit, key);
    return edited ? edited : read_edited(store, key);
}

int store_add(struct store *store, struct route_key key, struct host_addr host)
{
    struct edited *edited = route_of(store, key);
    if (!edited)
        return -1;
    int added = edited_add(edited, host);
    return added < 0 ? fail_memory(store) : added;
}

int store_delete(struct store *store, struct route_key key, const struct host_addr *host)
{
    struct edited *edited = route_of(store, key);
    return edited ? edited_delete(edited, host) : -1;
}

int store_set(struct store *store, struct route_key key, struct host_addr *hosts, size_t count, int *deleted)
{
    struct edited *edited = route_of(store, key);
    if (!edited)
        return -1;
    int added = edited_set(edited, hosts, hosts_sort(hosts, count), deleted);
    return added < 0 ? fail_memory(store) : added;
}

/* An undo under way. */
struct undo {
    struct store *store;
    bool force;
    int routes;
    int rc;
};

/* The route as the log has it from before; unless it is another now than the log has it from after. */
static int undo_route(const struct undo *undo, const struct store_log_row *row, struct edited *edited)
{
    struct hosts before;
    int deleted, added = -1;
    char *now = log_text(&edited->now);
    if (!now)
        return fail_memory(undo->store);
    bool changed = strcmp(now, row->after) != 0;
    free(now);
    if (changed && !undo->force)
        return store_fail(undo->store,
                          "route %" PRIu32 " %" PRIu32 " has changed since edit %" PRId64
                          ": see 'route log %" PRIu32 " %" PRIu32
                          "'; --force sets it to what it was before that edit",
                          row->key.modid, row->key.cmdid, row->edit, row->key.modid, row->key.cmdid);
    if (log_text_parse(row->before, &before)) {
        added = edited_set(edited, before.hosts, before.count, &deleted);
        free(before.hosts);
    }
    return added < 0 ? fail_memory(undo->store) : 0;
}

static int undo_row(void *arg, const struct store_log_row *row)
{
    struct undo *undo = arg;
    struct edited *edited = route_of(undo->store, row->key);
    undo->rc = edited ? undo_route(undo, row, edited) : -1;
    undo->routes++;
    return undo->rc;
}

int store_undo(struct store *store, int64_t edit, bool force)
{
    const struct log_filter filter = {.edit = edit, .modid_max = UINT32_MAX, .cmdid_max = UINT32_MAX};
    struct undo undo = {.store = store, .force = force};
    if (store->kind->log(store, &filter, undo_row, &undo) != 0 || undo.rc != 0)
        return -1;
    return undo.routes;
}

static int write_edit(struct store *store, const struct changes *changes, struct store_edit *edit)
{
    int64_t number = 0;
    if (store->kind->write(store, changes, store->edit_version, &number) != 0 ||
        store->kind->commit(store) != 0)
        return -1;
    *edit = (struct store_edit){.keys = changes->route_count,
                                .number = number,
                                .version = store->edit_version,
                                .new_routes = changes->new_routes,
                                .added = changes->added_count,
                                .deleted = changes->deleted_count};
    edit_clear(&store->edit);
    return 0;
}

int store_commit(struct store *store, struct store_edit *edit)
{
    struct changes changes;
    int rc = 0;
    if (edit_changes(&store->edit, &changes) != 0)
        return fail_memory(store);
    if (changes.route_count > 0) {
        rc = write_edit(store, &changes, edit);
    } else {
        *edit = (struct store_edit){.version = store->version};
        store_rollback(store);
    }
    changes_free(&changes);
    return rc;
}

void store_rollback(struct store *store)
{
    store->kind->rollback(store);
    edit_clear(&store->edit);
}

static time_t seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* A number below `limit`. Editors that met must not meet again. */
static long drawn(long limit)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_nsec / 1000 % limit;
}

static void pause_before(int again)
{
    long ms = again < 7 ? (long)PAUSE_MS << again : PAUSE_MAX_MS;
    long ns = (ms / 2 + drawn(ms)) * 1000000;
    nanosleep(&(struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000}, NULL);
}

static int make_once(struct store *store, store_make_fn *make, void *arg, struct store_edit *done)
{
    if (store_begin(store) != 0)
        return -1;
    if (make(store, arg) == 0 && store_commit(store, done) == 0)
        return 0;
    store_rollback(store);
    return -1;
}

int store_make(struct store *store, store_make_fn *make, void *arg, struct store_edit *done)
{
    const time_t until = seconds() + TRY_SECONDS;
    for (int i = 0;; i++) {
        if (make_once(store, make, arg, done) == 0)
            return 0;
        if (!store->again || !*store->again || seconds() >= until)
            return -1;
        pause_before(i);
    }
}

static bool is_large(const struct changes *changes)
{
    return changes->added_count + changes->deleted_count + 2 * changes->route_count > STORE_PIECE_ROWS;
}

/* A draft says how large it is. One that no other editor has come before is committed as it is. */
static int make_large_once(struct store *store, store_make_fn *make, void *arg, const struct store_large *how,
                           struct store_edit *done)
{
    uint64_t drafted;
    struct changes changes;
    if (store->kind->draft(store, &drafted) != 0 || make(store, arg) != 0)
        return -1;
    if (edit_changes(&store->edit, &changes) != 0)
        return fail_memory(store);
    bool large = is_large(&changes);
    changes_free(&changes);
    if (large)
        return store->kind->stage(store, make, arg, how, done);
    if (store_begin(store) != 0)
        return -1;
    if (store->version == drafted)
        return store_commit(store, done);
    store_rollback(store);
    return make_once(store, make, arg, done);
}

int store_make_large(struct store *store, store_make_fn *make, void *arg, const struct store_large *how,
                     struct store_edit *done)
{
    if (!store->kind->stage || how->one_transaction)
        return store_make(store, make, arg, done);
    const time_t until = seconds() + TRY_SECONDS;
    for (int i = 0;; i++) {
        if (make_large_once(store, make, arg, how, done) == 0)
            return 0;
        store_rollback(store);
        if (store->half_made || !*store->again || (i >= LARGE_TRIES && seconds() >= until))
            return -1;
        pause_before(i);
    }
}

bool store_half_made(const struct store *store)
{
    return store->half_made;
}
