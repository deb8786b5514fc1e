/* SPDX-License-Identifier: MIT */
/* The cached keys, in the order they came: they are requested again after each connect, whatever generations do to slots
 * meanwhile. ROUTE_KEY_NONE stands for one that has left. */
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

/* Adds a key that is not in it yet. False: no memory; the key is requested when a client looks it up. */
bool subscriptions_add(struct subscriptions *subscriptions, struct route_key key);

/* Keeps the keys for which `keep` returns true. `*cursor`, a position, is adjusted. */
void subscriptions_filter(struct subscriptions *subscriptions,
                          bool (*keep)(const void *context, struct route_key key), const void *context,
                          size_t *cursor);

void subscriptions_free(struct subscriptions *subscriptions);

#endif
