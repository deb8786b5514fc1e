/* SPDX-License-Identifier: MIT */
#include "tools/dns/subscription.h"

#include <stdlib.h>

void routes_init(struct routes *routes)
{
    *routes = (struct routes){0};
    TAILQ_INIT(&routes->all);
}

struct route *routes_find(const struct routes *routes, struct route_key key)
{
    return map_get(&routes->by_key, route_key_number(key));
}

void routes_free(struct routes *routes)
{
    map_free(&routes->by_key);
}

static struct route *route_find_or_add(struct routes *routes, struct route_key key)
{
    struct route *route = routes_find(routes, key);
    if (route)
        return route;
    route = calloc(1, sizeof(*route));
    if (!route || map_put(&routes->by_key, route_key_number(key), route) != 0) {
        free(route);
        return NULL;
    }
    route->key = key;
    TAILQ_INSERT_TAIL(&routes->all, route, link);
    return route;
}

static void route_drop_if_unused(struct routes *routes, struct route *route)
{
    if (!LIST_EMPTY(&route->subscriptions))
        return;
    TAILQ_REMOVE(&routes->all, route, link);
    map_remove(&routes->by_key, route_key_number(route->key));
    free(route);
}

void subscriber_init(struct subscriber *subscriber)
{
    *subscriber = (struct subscriber){0};
    STAILQ_INIT(&subscriber->owed);
}

struct subscription *subscribe(struct routes *routes, struct subscriber *subscriber, struct route_key key)
{
    struct subscription *subscription = map_get(&subscriber->by_key, route_key_number(key));
    if (subscription)
        return subscription;
    struct route *route = route_find_or_add(routes, key);
    if (!route)
        return NULL;
    subscription = calloc(1, sizeof(*subscription));
    if (!subscription || map_put(&subscriber->by_key, route_key_number(key), subscription) != 0) {
        free(subscription);
        route_drop_if_unused(routes, route);
        return NULL;
    }
    subscription->route = route;
    subscription->subscriber = subscriber;
    LIST_INSERT_HEAD(&route->subscriptions, subscription, of_route);
    return subscription;
}

static void unsubscribe(void *arg, void *value)
{
    struct routes *routes = arg;
    struct subscription *subscription = value;
    LIST_REMOVE(subscription, of_route);
    route_drop_if_unused(routes, subscription->route);
    free(subscription);
}

void unsubscribe_all(struct routes *routes, struct subscriber *subscriber)
{
    map_each(&subscriber->by_key, unsubscribe, routes);
    map_free(&subscriber->by_key);
    subscriber_init(subscriber);
}

void subscription_owe(struct subscription *subscription)
{
    if (subscription->owed)
        return;
    subscription->owed = true;
    STAILQ_INSERT_TAIL(&subscription->subscriber->owed, subscription, in_queue);
    subscription->subscriber->owed_count++;
}

void route_owe_all(struct route *route)
{
    struct subscription *subscription;
    LIST_FOREACH(subscription, &route->subscriptions, of_route)
        subscription_owe(subscription);
}

void subscriber_settle_first(struct subscriber *subscriber)
{
    STAILQ_FIRST(&subscriber->owed)->owed = false;
    STAILQ_REMOVE_HEAD(&subscriber->owed, in_queue);
    subscriber->owed_count--;
}
