/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_DNS_ROUTE_KEYS_H
#define TOOLS_DNS_ROUTE_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "shm/route_key.h"

/* Keys of routes, in order and each once when they are sorted. Zero-initialise. */
struct route_keys {
    struct route_key *keys;
    size_t count, capacity;
    bool failed; /* memory ran out */
};

/* `arg` is a struct route_keys. */
void route_keys_add(void *arg, struct route_key key);
void route_keys_sort(struct route_keys *keys);
/* It is empty then, and usable again. */
void route_keys_free(struct route_keys *keys);

#endif
