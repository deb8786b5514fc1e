/* SPDX-License-Identifier: MIT */
#include "tools/dns/replica_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    TAKE_MAX = 10000, /* keys that the loop takes at a time */
    CONNECT_SECONDS = 1,
    READ_SECONDS = 2,
};

/* ---- by the thread ---- */

bool replica_wait_taken(struct replica *replica)
{
    pthread_mutex_lock(&replica->mutex);
    while (replica->full && !replica->stop)
        pthread_cond_wait(&replica->cond, &replica->mutex);
    bool stop = replica->stop;
    pthread_mutex_unlock(&replica->mutex);
    return !stop;
}

bool replica_wait_ms(struct replica *replica, uint64_t ms)
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

void replica_hand_over(struct replica *replica, struct table *table, struct route_keys *keys,
                       uint64_t version, bool back)
{
    pthread_mutex_lock(&replica->mutex);
    replica->went_back |= back;
    replica->next_version = version;
    replica->next_table = *table;
    replica->next_keys = *keys;
    replica->full = true;
    pthread_mutex_unlock(&replica->mutex);
    *table = (struct table){0};
    *keys = (struct route_keys){0};
    replica->wake(replica->arg);
}

void replica_set_error(struct replica *replica, const char *error)
{
    pthread_mutex_lock(&replica->mutex);
    snprintf(replica->error, sizeof(replica->error), "%s", error);
    pthread_mutex_unlock(&replica->mutex);
}

void replica_set_version(struct replica *replica)
{
    pthread_mutex_lock(&replica->mutex);
    replica->table_version = replica->version;
    replica->went_back |= replica->back;
    pthread_mutex_unlock(&replica->mutex);
    if (replica->back)
        replica->wake(replica->arg);
}

/* ---- by the loop ---- */

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
        replica_read_all(replica) == 0)
        return replica;
    replica_free(replica);
    return NULL;
}

int replica_start(struct replica *replica, void (*wake)(void *arg), void *arg)
{
    replica->wake = wake;
    replica->arg = arg;
    int rc = pthread_create(&replica->thread, NULL, replica_run, replica);
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
    route_keys_free(&replica->keys);
    route_keys_free(&replica->next_keys);
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
        replica->next_keys = (struct route_keys){0};
    }
    pthread_mutex_unlock(&replica->mutex);
    table_free(&old);
    return full;
}

static void say_taken(struct replica *replica)
{
    route_keys_free(&replica->keys);
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
