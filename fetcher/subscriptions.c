/* SPDX-License-Identifier: MIT */
#include "fetcher/subscriptions.h"

#include <stdlib.h>

bool subscriptions_add(struct subscriptions *subscriptions, struct route_key key)
{
    if (subscriptions->count == subscriptions->capacity) {
        size_t capacity = subscriptions->capacity ? subscriptions->capacity * 2 : 1024;
        struct route_key *keys = realloc(subscriptions->keys, capacity * sizeof(*keys));
        if (!keys)
            return false;
        subscriptions->keys = keys;
        subscriptions->capacity = capacity;
    }
    subscriptions->keys[subscriptions->count++] = key;
    return true;
}

void subscriptions_filter(struct subscriptions *subscriptions,
                          bool (*keep)(const void *context, struct route_key key), const void *context,
                          size_t *cursor)
{
    size_t kept = 0, before = 0;
    for (size_t i = 0; i < subscriptions->count; i++) {
        if (!keep(context, subscriptions->keys[i]))
            continue;
        before += i < *cursor;
        subscriptions->keys[kept++] = subscriptions->keys[i];
    }
    subscriptions->count = kept;
    *cursor = before;
}

void subscriptions_free(struct subscriptions *subscriptions)
{
    free(subscriptions->keys);
    *subscriptions = (struct subscriptions){0};
}
