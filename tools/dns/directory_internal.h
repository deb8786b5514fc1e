/* SPDX-License-Identifier: MIT */
/* What the directory's halves share: directory.c answers and pushes, directory_peers.c says what came of it. */
#ifndef TOOLS_DNS_DIRECTORY_INTERNAL_H
#define TOOLS_DNS_DIRECTORY_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uv.h>

#include "shm/layout.h"
#include "tools/common/follow.h"
#include "tools/dns/directory.h"
#include "tools/dns/edit_watch.h"
#include "tools/dns/receipt.h"
#include "tools/dns/subscription.h"

struct client {
    struct subscriber subscriber;
    struct directory *directory;
    struct peer *peer;
    uint32_t max_body; /* of what the peer takes */
    uint64_t opened;   /* ms of the loop */
    struct receipt receipt;
    LIST_ENTRY(client) link;
};

struct directory {
    uv_timer_t timer; /* its `data` is the directory */
    uv_async_t wake;  /* likewise */
    struct edit_watch edits;
    struct store *store;
    bool store_failed; /* and the log says so */
    struct follow_log follow_log;
    struct routes routes;
    LIST_HEAD(, client) clients; /* newest first */
    LIST_HEAD(, directory_walk) walks;
    size_t max_subscriptions;
    bool long_frames;  /* to every peer */
    char too_many[96]; /* why a connection with more is closed */

    uint64_t ticks;
    bool unswept;      /* the store changed since the last sweep began */
    size_t sweep_left; /* routes that the sweep has yet to read */

    struct host_addr hosts[HOSTS_MAX + 1]; /* of the route read last */
    size_t host_count;

    uint64_t connections, requests, answers, skipped;
};

/* Looks for changes now, unless the database is away. */
void directory_poll(struct directory *directory);

/* Reads the route into directory->hosts. A new answer is owed to every subscriber, whichever requested it. */
int directory_read(struct directory *directory, struct route *route);

/* Waking a peer may close it, and no other. */
void directory_wake_owed(struct directory *directory);

/* Before a client goes: no walk meets it. */
void directory_walk_around(const struct client *client);

#endif
