/* SPDX-License-Identifier: MIT */
/*
 * Which peer subscribed to which route. A subscription ties one subscriber (a connection) to one route; it is found
 * from both ends: a changed route knows its subscriptions, and a subscriber knows those it is still owed an answer
 * for, each at most once. So a subscriber that does not read costs what it subscribed to, and no more.
 */
#ifndef TOOLS_DNS_SUBSCRIPTION_H
#define TOOLS_DNS_SUBSCRIPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "shm/host_addr.h"
#include "tools/dns/map.h"

/* A route with subscriptions; it lives as long as the last of them. */
struct route {
    struct route_key key;
    uint64_t digest;    /* of the answer as the store last gave it */
    bool unsent_logged; /* the answer could not be sent to a peer, and the log says so */
    LIST_HEAD(, subscription) subscriptions;
    TAILQ_ENTRY(route) link;
};

struct subscription {
    struct route *route;
    struct subscriber *subscriber;
    uint64_t sent;  /* digest of the answer that the subscriber got last */
    bool owed;      /* in the subscriber's queue */
    bool requested; /* it gets an answer even if nothing changed */
    bool too_long;  /* that answer was not sent: the subscriber does not take it */
    uint32_t end;   /* peer_position() behind the first answer with this digest */
    LIST_ENTRY(subscription) of_route;
    STAILQ_ENTRY(subscription) in_queue;
};

struct subscriber {
    struct map by_key;                /* route_key_number() to subscription */
    STAILQ_HEAD(, subscription) owed; /* oldest first */
    size_t owed_count;
};

struct routes {
    struct map by_key; /* route_key_number() to route */
    TAILQ_HEAD(, route) all;
};

void routes_init(struct routes *routes);
struct route *routes_find(const struct routes *routes, struct route_key key);
/* The subscribers are gone already. */
void routes_free(struct routes *routes);

void subscriber_init(struct subscriber *subscriber);

/* Subscribes to the key, or finds the subscription that there is. NULL when memory ran out. */
struct subscription *subscribe(struct routes *routes, struct subscriber *subscriber, struct route_key key);

/* Ends all subscriptions of the subscriber. */
void unsubscribe_all(struct routes *routes, struct subscriber *subscriber);

/* Owes the subscriber an answer; a second time changes nothing. */
void subscription_owe(struct subscription *subscription);
void route_owe_all(struct route *route);

/* Takes the first subscription out of the subscriber's queue, which is not empty. */
void subscriber_settle_first(struct subscriber *subscriber);

#endif
