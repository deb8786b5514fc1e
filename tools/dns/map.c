/* SPDX-License-Identifier: MIT */
#include "tools/dns/map.h"

#include <stdlib.h>
#include <sys/random.h>

struct map_entry {
    uint64_t key;
    void *value;
};

enum {
    MAP_CAPACITY_FIRST = 16,
};

/* Where the key would like to be: each bit of key and secret reaches each bit of the place. */
static size_t home(const struct map *map, uint64_t key)
{
    uint64_t hash = key ^ map->secret;
    hash = (hash ^ hash >> 32) * UINT64_C(0xd6e8feb86659fd93);
    hash = (hash ^ hash >> 32) * UINT64_C(0xd6e8feb86659fd93);
    hash ^= hash >> 32;
    return (size_t)hash & (map->capacity - 1);
}

/* The entry that holds the key, or the free one where it would go. The capacity is not 0. */
static struct map_entry *find(const struct map *map, uint64_t key)
{
    size_t at = home(map, key);
    while (map->entries[at].value && map->entries[at].key != key)
        at = (at + 1) & (map->capacity - 1);
    return &map->entries[at];
}

static int grow(struct map *map)
{
    struct map grown = {.capacity = map->capacity ? map->capacity * 2 : MAP_CAPACITY_FIRST,
                        .count = map->count,
                        .secret = map->secret};
    if (map->capacity == 0 && getrandom(&grown.secret, sizeof(grown.secret), 0) != sizeof(grown.secret))
        return -1;
    grown.entries = calloc(grown.capacity, sizeof(*grown.entries));
    if (!grown.entries)
        return -1;
    for (size_t i = 0; i < map->capacity; i++)
        if (map->entries[i].value)
            *find(&grown, map->entries[i].key) = map->entries[i];
    free(map->entries);
    *map = grown;
    return 0;
}

void *map_get(const struct map *map, uint64_t key)
{
    return map->capacity ? find(map, key)->value : NULL;
}

int map_put(struct map *map, uint64_t key, void *value)
{
    if (map->count >= map->capacity / 4 * 3 && grow(map) != 0)
        return -1;
    *find(map, key) = (struct map_entry){.key = key, .value = value};
    map->count++;
    return 0;
}

void map_remove(struct map *map, uint64_t key)
{
    if (!map_get(map, key))
        return;
    size_t mask = map->capacity - 1;
    size_t hole = (size_t)(find(map, key) - map->entries);
    /* Entries behind the hole move up, unless that would put them before their home. */
    for (size_t at = (hole + 1) & mask; map->entries[at].value; at = (at + 1) & mask) {
        size_t distance = (at - home(map, map->entries[at].key)) & mask;
        if (distance >= ((at - hole) & mask)) {
            map->entries[hole] = map->entries[at];
            hole = at;
        }
    }
    map->entries[hole].value = NULL;
    map->count--;
}

void map_each(const struct map *map, void (*each)(void *arg, void *value), void *arg)
{
    for (size_t i = 0; i < map->capacity; i++)
        if (map->entries[i].value)
            each(arg, map->entries[i].value);
}

void map_free(struct map *map)
{
    free(map->entries);
    *map = (struct map){0};
}
