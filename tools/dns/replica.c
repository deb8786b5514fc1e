/* SPDX-License-Identifier: MIT */
#include "tools/dns/replica.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tools/dns/hints.h"
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
    KEYS_MAX = 200,             /* routes that are read one by one */
    ROWS_WITHOUT_INDEX = 20000, /* up to so many, that is quick without an index, too */
    TAKE_MAX = 10000,           /* keys that the loop takes at a time */
    CONNECT_SECONDS = 1,
    READ_SECONDS = 2,
};

/* In order, each once, when it is used. */
struct keys {
    struct route_key *keys;
    size_t count, capacity;
    bool failed; /* memory ran out */
};

struct replica {
    struct maria *maria;
    void (*wake)(void *arg);
    void *arg;
    pthread_t thread;
    bool started;

    /* The loop's. The thread reads the table while nothing is handed over. */
    struct table table;
    struct keys keys; /* that differ from the table before, taken up to `taken` */
    size_t taken;

    pthread_mutex_t mutex; /* for the rest of this paragraph */
    pthread_cond_t cond;
    bool stop, full; /* full: something is handed over and not taken */
    bool went_back;
    struct table next_table;
    struct keys next_keys;
    uint64_t table_version, next_version; /* RouteVersion before the rows of either were read */
    char error[STORE_ERROR_SIZE];         /* empty: none */

    /* The thread's. Times are milliseconds of a clock that only grows; 0: never. */
    struct hints hints;
    bool indexed;
    bool fresh;  /* the connection is new: the host may be behind */
    bool hinted; /* since the last comparison began */
    bool back;   /* the version has become smaller since */
    uint64_t version;
    uint64_t behind_since, compared, compare_ms, node_checked;
    uint64_t clean_id, clean_since;
};

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void add_key(void *arg, struct route_key key)
{
    struct keys *keys = arg;
    if (keys->count == keys->capacity) {
        size_t capacity = keys->capacity ? keys->capacity * 2 : KEYS_MAX;
        struct route_key *grown = reallocarray(keys->keys, capacity, sizeof(*grown));
        keys->failed |= !grown;
        if (!grown)
            return;
        keys->keys = grown;
        keys->capacity = capacity;
    }
    keys->keys[keys->count++] = key;
}

static int compare_keys(const void *one, const void *other)
{
    uint64_t a = route_key_number(*(const struct route_key *)one);
    uint64_t b = route_key_number(*(const struct route_key *)other);
    return (a > b) - (a < b);
}

static void sort_keys(struct keys *keys)
{
    size_t kept = 0;
    if (keys->count > 0)
        qsort(keys->keys, keys->count, sizeof(*keys->keys), compare_keys);
    for (size_t i = 0; i < keys->count; i++)
        if (kept == 0 || !route_key_equal(keys->keys[i], keys->keys[kept - 1]))
            keys->keys[kept++] = keys->keys[i];
    keys->count = kept;
}

static void keys_free(struct keys *keys)
{
    free(keys->keys);
    *keys = (struct keys){0};
}

/* Waits until the loop has taken what was handed over before. False: the thread ends. */
static bool wait_taken(struct replica *replica)
{
    pthread_mutex_lock(&replica->mutex);
    while (replica->full && !replica->stop)
        pthread_cond_wait(&replica->cond, &replica->mutex);
    bool stop = replica->stop;
    pthread_mutex_unlock(&replica->mutex);
    return !stop;
}

/* Waits for the time, or for the end of the thread. False: it ends. */
static bool wait_ms(struct replica *replica, uint64_t ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    until.tv_sec += (time_t)(ms / 1000) + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&replica->mutex);
    int rc = 0;
    while (!replica->stop && rc == 0)
        rc = pthread_cond_timedwait(&replica->cond, &replica->mutex, &until);
    bool stop = replica->stop;
    pthread_mutex_unlock(&replica->mutex);
    return !stop;
}

/* What differs from the loop's table, and the table that takes its place; both are the loop's then. */
static void hand_over(struct replica *replica, struct table *table, struct keys *keys, uint64_t version,
                      bool back)
{
    pthread_mutex_lock(&replica->mutex);
    replica->went_back |= back;
    replica->next_version = version;
    replica->next_table = *table;
    replica->next_keys = *keys;
    replica->full = true;
    pthread_mutex_unlock(&replica->mutex);
    *table = (struct table){0};
    *keys = (struct keys){0};
    replica->wake(replica->arg);
}

static void set_error(struct replica *replica, const char *error)
{
    pthread_mutex_lock(&replica->mutex);
    snprintf(replica->error, sizeof(replica->error), "%s", error);
    pthread_mutex_unlock(&replica->mutex);
}

/* Those of RouteChange that were not seen before. Returns how many, or -1. */
static int read_changes(struct replica *replica, struct keys *keys)
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
        add_key(keys, hint.key);
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
static int read_hints(struct replica *replica, struct keys *keys)
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

/* The comparison has shown that the loop's table has all rows of a version. */
static void set_version(struct replica *replica)
{
    pthread_mutex_lock(&replica->mutex);
    replica->table_version = replica->version;
    replica->went_back |= replica->back;
    pthread_mutex_unlock(&replica->mutex);
    if (replica->back)
        replica->wake(replica->arg);
}

/* Compares all rows. */
static int compare(struct replica *replica)
{
    uint64_t start = now_ms();
    struct table table = {0};
    struct keys keys = {0};
    replica->hinted = false;
    if (maria_routes_load(replica->maria, "RouteData", &table) != 0) {
        replica->hinted = true;
        return -1;
    }
    table_compare(&replica->table, &table, add_key, &keys);
    replica->compared = now_ms();
    replica->compare_ms = replica->compared - start;
    int rc = keys.failed ? maria_fail(replica->maria, "out of memory") : 0;
    if (rc == 0 && keys.count > 0)
        hand_over(replica, &table, &keys, replica->version, replica->back);
    else if (rc == 0)
        set_version(replica);
    if (rc == 0)
        replica->back = false;
    table_free(&table);
    keys_free(&keys);
    return rc;
}

/* Reads the routes that a hint has named. */
static int read_routes(struct replica *replica, const struct keys *named)
{
    struct table rows = {0}, table = {0};
    struct keys keys = {0};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < named->count; i++) {
        size_t before = rows.count, had;
        rc = maria_routes_read(replica->maria, named->keys[i], &rows);
        const struct row *old = table_find(&replica->table, named->keys[i], &had);
        if (rc == 0 && !rows_same(old, had, rows.rows + before, rows.count - before))
            add_key(&keys, named->keys[i]);
    }
    if (rc == 0 && (keys.failed ||
                    (keys.count > 0 && !table_patch(&replica->table, keys.keys, keys.count, &rows, &table))))
        rc = maria_fail(replica->maria, "out of memory");
    if (rc == 0 && keys.count > 0)
        hand_over(replica, &table, &keys, replica->table_version, false); /* others may have changed, too */
    table_free(&rows);
    table_free(&table);
    keys_free(&keys);
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

static bool can_read_routes(const struct replica *replica, const struct keys *keys)
{
    return keys->count <= KEYS_MAX && (replica->indexed || replica->table.count <= ROWS_WITHOUT_INDEX);
}

/* Too many routes to read one by one are left to the comparison. */
static int look(struct replica *replica, struct keys *keys)
{
    if (connect_and_check(replica) != 0 || read_hints(replica, keys) != 0)
        return -1;
    sort_keys(keys);
    if (!keys->failed && keys->count > 0 && can_read_routes(replica, keys))
        if (read_routes(replica, keys) != 0 || !wait_taken(replica))
            return -1;
    if (compare_is_due(replica) && compare(replica) != 0)
        return -1;
    return clean(replica);
}

static void *run(void *arg)
{
    struct replica *replica = arg;
    uint64_t pause = HINT_MS;
    mysql_thread_init();
    while (wait_ms(replica, pause) && wait_taken(replica)) {
        struct keys keys = {0};
        int rc = look(replica, &keys);
        keys_free(&keys);
        set_error(replica, rc == 0 ? "" : replica->maria->error);
        pause = rc == 0 ? HINT_MS : RETRY_MS;
    }
    mysql_thread_end();
    return NULL;
}

/* The hints come first: what changes meanwhile is one, or in the rows. */
static int load(struct replica *replica)
{
    struct maria *maria = replica->maria;
    struct keys keys = {0};
    int rc = maria_schema_has_index(maria, &replica->indexed);
    if (rc == 0)
        rc = read_hints(replica, &keys);
    keys_free(&keys);
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

struct replica *replica_load(struct maria *maria)
{
    struct replica *replica = calloc(1, sizeof(*replica));
    pthread_condattr_t attributes;
    if (!replica) {
        maria_fail(maria, "out of memory");
        return NULL;
    }
    replica->maria = maria;
    replica->fresh = true;
    pthread_mutex_init(&replica->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&replica->cond, &attributes);
    pthread_condattr_destroy(&attributes);
    if (maria_reconnect(maria, &(struct maria_limits){CONNECT_SECONDS, READ_SECONDS}) == 0 &&
        load(replica) == 0)
        return replica;
    replica_free(replica);
    return NULL;
}

int replica_start(struct replica *replica, void (*wake)(void *arg), void *arg)
{
    replica->wake = wake;
    replica->arg = arg;
    int rc = pthread_create(&replica->thread, NULL, run, replica);
    replica->started = rc == 0;
    return rc;
}

void replica_stop(struct replica *replica)
{
    if (!replica->started)
        return;
    pthread_mutex_lock(&replica->mutex);
    replica->stop = true;
    pthread_cond_broadcast(&replica->cond);
    pthread_mutex_unlock(&replica->mutex);
    pthread_join(replica->thread, NULL);
    replica->started = false;
}

void replica_free(struct replica *replica)
{
    if (!replica)
        return;
    replica_stop(replica);
    pthread_mutex_destroy(&replica->mutex);
    pthread_cond_destroy(&replica->cond);
    table_free(&replica->table);
    table_free(&replica->next_table);
    keys_free(&replica->keys);
    keys_free(&replica->next_keys);
    free(replica);
}

const struct table *replica_table(const struct replica *replica)
{
    return &replica->table;
}

/* The thread makes nothing else before the last key is taken. */
static bool take_next(struct replica *replica)
{
    struct table old = {0};
    pthread_mutex_lock(&replica->mutex);
    bool full = replica->full;
    if (full && replica->next_keys.keys) {
        old = replica->table;
        replica->table = replica->next_table;
        replica->table_version = replica->next_version;
        replica->keys = replica->next_keys;
        replica->taken = 0;
        replica->next_table = (struct table){0};
        replica->next_keys = (struct keys){0};
    }
    pthread_mutex_unlock(&replica->mutex);
    table_free(&old);
    return full;
}

static void say_taken(struct replica *replica)
{
    keys_free(&replica->keys);
    pthread_mutex_lock(&replica->mutex);
    replica->full = false;
    pthread_cond_broadcast(&replica->cond);
    pthread_mutex_unlock(&replica->mutex);
}

bool replica_take(struct replica *replica, void (*changed)(void *arg, struct route_key key), void *arg)
{
    if (!take_next(replica))
        return false;
    for (int i = 0; i < TAKE_MAX && replica->taken < replica->keys.count; i++)
        changed(arg, replica->keys.keys[replica->taken++]);
    if (replica->taken == replica->keys.count)
        say_taken(replica);
    else
        replica->wake(replica->arg);
    return true;
}

uint64_t replica_version(struct replica *replica)
{
    pthread_mutex_lock(&replica->mutex);
    uint64_t version = replica->table_version;
    pthread_mutex_unlock(&replica->mutex);
    return version;
}

bool replica_indexed(const struct replica *replica)
{
    return replica->indexed;
}

bool replica_went_back(struct replica *replica)
{
    pthread_mutex_lock(&replica->mutex);
    bool back = replica->went_back;
    replica->went_back = false;
    pthread_mutex_unlock(&replica->mutex);
    return back;
}

int replica_state(struct replica *replica, char error[static STORE_ERROR_SIZE])
{
    pthread_mutex_lock(&replica->mutex);
    bool well = !replica->error[0];
    if (!well)
        snprintf(error, STORE_ERROR_SIZE, "%s", replica->error);
    pthread_mutex_unlock(&replica->mutex);
    return well ? 0 : -1;
}
