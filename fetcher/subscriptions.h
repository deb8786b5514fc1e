/* SPDX-License-Identifier: MIT */
/* The keys that are here, in the order they came: what is asked for again after each connect, whatever generations
 * do to slots meanwhile. */
#ifndef FETCHER_SUBSCRIPTIONS_H
#define FETCHER_SUBSCRIPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/route_key.h"

struct subscriptions {
    struct route_key *keys;
    size_t count, capacity;
};

/* Adds a key that is not in it yet. False: no memory; the key is asked for when a client looks it up. */
bool subscriptions_add(struct subscriptions *known, struct route_key key);

/* Keeps the keys for which `keep` says true. `*cursor`, a position, moves along. */
void subscriptions_filter(struct subscriptions *known,
                          bool (*keep)(const void *context, struct route_key key), const void *context,
                          size_t *cursor);

void subscriptions_free(struct subscriptions *known);

#endif
