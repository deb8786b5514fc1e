/* SPDX-License-Identifier: MIT */
/*
 * A hash table from 64-bit keys to pointers. Keys come from the network, so each map hashes with a secret of its
 * own: a peer cannot choose keys that collide.
 */
#ifndef TOOLS_DNS_MAP_H
#define TOOLS_DNS_MAP_H

#include <stddef.h>
#include <stdint.h>

/* Zero-initialise; release with map_free(). */
struct map {
    struct map_entry *entries; /* linear probing; NULL value: free */
    size_t capacity;           /* 0 or a power of two */
    size_t count;              /* at most three quarters of the capacity */
    uint64_t secret;
};

/* The value of `key`, or NULL. */
void *map_get(const struct map *map, uint64_t key);

/* Adds a key that is not in the map, with a value that is not NULL. Returns 0, or -1 when memory ran out. */
int map_put(struct map *map, uint64_t key, void *value);

/* Takes a key out, if it is there. */
void map_remove(struct map *map, uint64_t key);

/* Calls `each` for every value, in any order. `each` leaves the map alone. */
void map_each(const struct map *map, void (*each)(void *arg, void *value), void *arg);

/* Frees the memory, not the values; the map is empty and usable again. */
void map_free(struct map *map);

#endif
