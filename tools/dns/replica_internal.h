/* SPDX-License-Identifier: MIT */
/* What the replica's halves share: replica.c hands over between loop and thread, replica_read.c is what the thread does. */
#ifndef TOOLS_DNS_REPLICA_INTERNAL_H
#define TOOLS_DNS_REPLICA_INTERNAL_H

#include <pthread.h>

#include "tools/dns/hints.h"
#include "tools/dns/replica.h"
#include "tools/dns/route_keys.h"

struct replica {
    struct maria *maria;
    void (*wake)(void *arg);
    void *arg;
    pthread_t thread;
    bool started;

    /* The loop's. The thread reads the table while nothing is handed over. */
    struct table table;
    struct route_keys keys; /* that differ from the table before, taken up to `taken` */
    size_t taken;

    pthread_mutex_t mutex; /* for the rest of this paragraph */
    pthread_cond_t cond;
    bool stop, full; /* full: something is handed over and not taken */
    bool went_back;
    struct table next_table;
    struct route_keys next_keys;
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

/* Reads all rows, for the first time. Returns 0, or -1 and maria->error says why. */
int replica_read_all(struct replica *replica);

/* The thread; `arg` is the replica. */
void *replica_run(void *arg);

/* ---- for the thread ---- */

/* Waits until the loop has taken what was handed over before. False: the thread ends. */
bool replica_wait_taken(struct replica *replica);

/* Waits for the time, or for the end of the thread. False: it ends. */
bool replica_wait_ms(struct replica *replica, uint64_t ms);

/* What differs from the loop's table, and the table that takes its place; both are the loop's then. */
void replica_hand_over(struct replica *replica, struct table *table, struct route_keys *keys,
                       uint64_t version, bool back);

/* The comparison has shown that the loop's table has all rows of a version. */
void replica_set_version(struct replica *replica);

/* Why nothing new comes; "": it does. */
void replica_set_error(struct replica *replica, const char *error);

#endif
