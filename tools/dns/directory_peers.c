/* SPDX-License-Identifier: MIT */
#include "tools/dns/directory_peers.h"

#include "tools/dns/directory_internal.h"

void directory_walk_begin(struct directory *directory, struct directory_walk *walk)
{
    walk->at = LIST_FIRST(&directory->clients);
    LIST_INSERT_HEAD(&directory->walks, walk, link);
}

struct client *directory_walk_next(struct directory_walk *walk)
{
    struct client *client = walk->at;
    if (client)
        walk->at = LIST_NEXT(client, link);
    return client;
}

void directory_walk_end(struct directory_walk *walk)
{
    LIST_REMOVE(walk, link);
}

void directory_walk_around(const struct client *client)
{
    struct directory_walk *walk;
    LIST_FOREACH(walk, &client->directory->walks, link)
        if (walk->at == client)
            walk->at = LIST_NEXT(client, link);
}

struct peer_state directory_peer(struct client *client)
{
    struct receipt *receipt = &client->receipt;
    struct peer_state state = {.address = peer_name(client->peer),
                               .connected_ms = uv_now(client->directory->timer.loop) - client->opened,
                               .routes = client->subscriber.by_key.count,
                               .bytes = peer_backlog(client->peer),
                               .answers = client->subscriber.owed_count};
    receipt_update(receipt, peer_position(client->peer), state.bytes);
    state.version_known = receipt->known;
    state.version = receipt->version;
    if (state.routes > 0 && state.bytes == 0 && state.answers == 0)
        state.version_known = directory_version(client->directory, &state.version);
    return state;
}

bool directory_delivery(const struct client *client, struct route_key key, enum delivery *out)
{
    const struct subscription *subscription = map_get(&client->subscriber.by_key, route_key_number(key));
    if (!subscription)
        return false;
    size_t backlog = peer_backlog(client->peer);
    if (subscription->sent != subscription->route->digest)
        *out = backlog > 0 ? DELIVERY_BLOCKED : DELIVERY_DUE;
    else if (subscription->too_long)
        *out = DELIVERY_TOO_LONG;
    else if (!receipt_reached(subscription->end, peer_position(client->peer), backlog))
        *out = DELIVERY_UNACKNOWLEDGED;
    else
        *out = DELIVERED;
    return true;
}

bool directory_version(const struct directory *directory, uint64_t *version)
{
    return store_version(directory->store, version);
}

int directory_read_now(struct directory *directory, struct route_key key, struct route_content *out,
                       const char **error)
{
    directory_poll(directory);
    struct route *route = routes_find(&directory->routes, key);
    struct route unsubscribed = {.key = key};
    LIST_INIT(&unsubscribed.subscriptions);
    if (directory_read(directory, route ? route : &unsubscribed) != 0) {
        *error = store_error(directory->store);
        return -1;
    }
    *out = (struct route_content){directory->host_count,
                                  directory_digest(directory->hosts, directory->host_count)};
    directory_wake_owed(directory);
    return 0;
}
