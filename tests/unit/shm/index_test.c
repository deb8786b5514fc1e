/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "shm/index.h"
#include "shm/reader/lookup_fast.h"
#include "tests/support/keys.h"
#include "tests/unit/shm/own_index.h"

enum {
    BUCKETS_MOST = 200
};

static void keys_are_found_where_they_were_put(void **state)
{
    struct routes routes;
    (void)state;
    for (uint32_t buckets = 1; buckets <= BUCKETS_MOST; buckets += 7) {
        uint32_t slots[BUCKETS_MOST * BUCKET_SLOTS], count = 0;
        own_index_setup(&routes, buckets);
        /* To the last slot, as far as probes reach. */
        for (uint32_t slot = SLOT_NONE; count < buckets * BUCKET_SLOTS; slots[count++] = slot)
            if ((slot = own_index_insert(&routes, count)) == SLOT_NONE)
                break;
        for (uint64_t key = 0; key < count; key++)
            assert_int_equal(index_find(&routes, numbered_key(key)), slots[key]);
        assert_int_equal(index_find(&routes, numbered_key(1 << 30)), SLOT_NONE);
        assert_true(count == buckets * BUCKET_SLOTS || buckets > PROBE_MAX);
        free(routes.s_buckets);
    }
}

static void a_probe_goes_on_from_the_last_bucket_to_the_first(void **state)
{
    struct routes routes;
    uint64_t key = 0, keys[3 * BUCKET_SLOTS];
    (void)state;
    own_index_setup(&routes, 100);
    for (uint32_t i = 0; i < 3 * BUCKET_SLOTS; i++) {
        keys[i] = own_index_key(&routes, 99, &key);
        assert_int_equal(own_index_insert(&routes, keys[i]), (99 * BUCKET_SLOTS + i) % (100 * BUCKET_SLOTS));
    }
    for (uint32_t i = 0; i < 3 * BUCKET_SLOTS; i++)
        assert_int_equal(index_find(&routes, numbered_key(keys[i])),
                         (99 * BUCKET_SLOTS + i) % (100 * BUCKET_SLOTS));
    free(routes.s_buckets);
}

static void a_probe_ends_after_so_many_full_buckets(void **state)
{
    struct routes routes;
    uint64_t key = 0;
    uint32_t empty = 0;
    (void)state;
    own_index_setup(&routes, 100);
    for (uint32_t i = 0; i < PROBE_MAX * BUCKET_SLOTS; i++)
        assert_int_not_equal(own_index_insert(&routes, own_index_key(&routes, 70, &key)), SLOT_NONE);
    assert_int_equal(own_index_insert(&routes, own_index_key(&routes, 70, &key)), SLOT_NONE);
    assert_int_equal(index_probe(&routes, numbered_key(key), &empty), SLOT_NONE);
    assert_int_equal(empty, SLOT_NONE);
    free(routes.s_buckets);
}

static void the_invalid_key_is_never_found(void **state)
{
    struct routes routes;
    (void)state;
    own_index_setup(&routes, 1);
    for (uint64_t key = 0; key <= BUCKET_SLOTS; key++) {
        assert_int_equal(index_find(&routes, ROUTE_KEY_NONE), SLOT_NONE);
        own_index_insert(&routes, key);
    }
    free(routes.s_buckets);
}

static void homes_are_within_the_index_and_spread(void **state)
{
    (void)state;
    for (uint32_t buckets = 1; buckets < 5000; buckets = buckets * 3 + 1) {
        uint32_t used[64] = {0};
        for (uint64_t key = 0; key < 6400; key++) {
            uint32_t home = hash_scale(hash_word(route_key_number(route_key((uint32_t)key, 1)), 99), buckets);
            assert_true(home < buckets);
            used[(uint64_t)home * 64 / buckets]++;
        }
        for (uint32_t i = 0; buckets >= 64 && i < 64; i++)
            assert_in_range(used[i], 10, 400);
    }
    assert_true(hash_scale(UINT64_MAX, BUCKETS_MAX) == BUCKETS_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_found_where_they_were_put),
        cmocka_unit_test(a_probe_goes_on_from_the_last_bucket_to_the_first),
        cmocka_unit_test(a_probe_ends_after_so_many_full_buckets),
        cmocka_unit_test(the_invalid_key_is_never_found),
        cmocka_unit_test(homes_are_within_the_index_and_spread),
    };
    return cmocka_run_group_tests_name("unit/shm/index", tests, NULL, NULL);
}
