/* SPDX-License-Identifier: MIT */
/*
 * What the peers of a directory have. A peer has what its kernel has acknowledged: whether the program behind it has read
 * that, and believes it, is the peer's to say.
 */
#ifndef TOOLS_DNS_DIRECTORY_PEERS_H
#define TOOLS_DNS_DIRECTORY_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "tools/dns/directory.h"

struct client;

/* Goes through the peers, newest first, while others come and go: those that were there when it began, and still are. */
struct directory_walk {
    struct client *at; /* the next one */
    LIST_ENTRY(directory_walk) link;
};

void directory_walk_begin(struct directory *directory, struct directory_walk *walk);
/* NULL: that was the last one. The client is valid until peers are served again. */
struct client *directory_walk_next(struct directory_walk *walk);
void directory_walk_end(struct directory_walk *walk);

struct peer_state {
    const char *address;
    uint64_t connected_ms; /* for so long */
    size_t routes;         /* that it has subscribed to */
    bool version_known;
    uint64_t version; /* it has all of this one */
    size_t bytes;     /* sent, and not acknowledged */
    size_t answers;   /* to be sent */
};
struct peer_state directory_peer(struct client *client);

/* What a subscriber has of the newest answer for a route. */
enum delivery {
    DELIVERED,
    DELIVERY_UNACKNOWLEDGED, /* sent */
    DELIVERY_BLOCKED,        /* not sent: what came before is not acknowledged */
    DELIVERY_DUE,            /* not sent yet */
    DELIVERY_TOO_LONG,       /* not sent: the peer takes no message of that length */
    DELIVERIES
};
/* False: the peer has not subscribed to the route. */
bool directory_delivery(const struct client *client, struct route_key key, enum delivery *out);

/* The version of the data as a whole. False: not known. */
bool directory_version(const struct directory *directory, uint64_t *version);

/* Reads a route; what changed goes to its subscribers. Returns 0, or -1 and *error says why. */
struct route_content {
    size_t hosts;
    uint64_t digest; /* see directory_digest() */
};
int directory_read_now(struct directory *directory, struct route_key key, struct route_content *out,
                       const char **error);

#endif
