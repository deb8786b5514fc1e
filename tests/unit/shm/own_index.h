/* SPDX-License-Identifier: MIT */
/* An index in the test's own memory. */
#ifndef TESTS_UNIT_SHM_OWN_INDEX_H
#define TESTS_UNIT_SHM_OWN_INDEX_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "shm/atomic.h"
#include "shm/index.h"
#include "tests/support/keys.h"

/* free(routes->s_buckets) is the caller's. */
static inline void own_index_setup(struct routes *routes, uint32_t buckets)
{
    *routes = (struct routes){.bucket_count = buckets, .hash_seed = 12345};
    routes->s_buckets = aligned_alloc(CACHE_LINE, buckets * sizeof(struct bucket));
    assert_non_null(routes->s_buckets);
    memset(routes->s_buckets, 0, buckets * sizeof(struct bucket));
}

static inline uint32_t own_index_home(const struct routes *routes, uint64_t key)
{
    return hash_scale(hash_word(key, routes->hash_seed), routes->bucket_count);
}

/* The next key after *key whose home is this bucket. */
static inline uint64_t own_index_key(const struct routes *routes, uint32_t bucket, uint64_t *key)
{
    do
        ++*key;
    while (own_index_home(routes, *key) != bucket);
    return *key;
}

static inline uint32_t own_index_insert(const struct routes *routes, uint64_t key)
{
    uint32_t empty = SLOT_NONE;
    assert_int_equal(index_probe(routes, numbered_key(key), &empty), SLOT_NONE);
    if (empty != SLOT_NONE)
        store_release(&routes_slot(routes, empty)->key, route_key_word(numbered_key(key)));
    return empty;
}

#endif
