/* SPDX-License-Identifier: MIT */
#include "fetcher/subscriptions.h"

#include <stdlib.h>

bool subscriptions_add(struct subscriptions *known, struct route_key key)
{
    if (known->count == known->capacity) {
        size_t capacity = known->capacity ? known->capacity * 2 : 1024;
        struct route_key *keys = realloc(known->keys, capacity * sizeof(*keys));
        if (!keys)
            return false;
        known->keys = keys;
        known->capacity = capacity;
    }
    known->keys[known->count++] = key;
    return true;
}

void subscriptions_filter(struct subscriptions *known,
                          bool (*keep)(const void *context, struct route_key key), const void *context,
                          size_t *cursor)
{
    size_t kept = 0, before = 0;
    for (size_t i = 0; i < known->count; i++) {
        if (!keep(context, known->keys[i]))
            continue;
        before += i < *cursor;
        known->keys[kept++] = known->keys[i];
    }
    known->count = kept;
    *cursor = before;
}

void subscriptions_free(struct subscriptions *known)
{
    free(known->keys);
    *known = (struct subscriptions){0};
}
