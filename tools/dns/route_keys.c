/* SPDX-License-Identifier: MIT */
#include "tools/dns/route_keys.h"

#include <stdint.h>
#include <stdlib.h>

enum {
    CAPACITY_FIRST = 256,
};

void route_keys_add(void *arg, struct route_key key)
{
    struct route_keys *keys = arg;
    if (keys->count == keys->capacity) {
        size_t capacity = keys->capacity ? keys->capacity * 2 : CAPACITY_FIRST;
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

void route_keys_sort(struct route_keys *keys)
{
    size_t kept = 0;
    if (keys->count > 0)
        qsort(keys->keys, keys->count, sizeof(*keys->keys), compare_keys);
    for (size_t i = 0; i < keys->count; i++)
        if (kept == 0 || !route_key_equal(keys->keys[i], keys->keys[kept - 1]))
            keys->keys[kept++] = keys->keys[i];
    keys->count = kept;
}

void route_keys_free(struct route_keys *keys)
{
    free(keys->keys);
    *keys = (struct route_keys){0};
}
