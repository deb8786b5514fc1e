/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "shm/clock.h"
#include "shm/index.h"
#include "shm/reader/lookup_fast.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"
#include "tests/unit/shm/own_index.h"

static uint64_t home_ref(const struct routes *routes, uint64_t key)
{
    return lookup_fast_ref(routes, index_home(routes, numbered_key(key)), numbered_key(key));
}

/* Wherever in its first two buckets a key is, and though another one is first; 0 if it is in neither. */
static void the_fast_path_finds_the_ref_in_each_place_of_its_buckets(void **state)
{
    struct routes routes;
    uint64_t key = 0, keys[BUCKET_SLOTS + 1];
    (void)state;
    own_index_setup(&routes, 7);
    for (uint32_t i = 0; i <= BUCKET_SLOTS; i++)
        keys[i] = own_index_key(&routes, 3, &key);
    assert_int_equal(home_ref(&routes, keys[0]), 0);
    for (uint32_t i = 0; i < BUCKET_SLOTS; i++) {
        uint32_t slot = own_index_insert(&routes, keys[i]);
        store_release(&routes_slot(&routes, slot)->ref, ref_make(100 + i, i));
        for (uint32_t k = 0; k <= i; k++)
            assert_int_equal(home_ref(&routes, keys[k]), ref_make(100 + k, k));
        if (i + 1 < BUCKET_SLOTS)
            assert_int_equal(home_ref(&routes, keys[i + 1]), 0);
    }
    assert_int_equal(home_ref(&routes, keys[BUCKET_SLOTS]), 0);
    uint32_t slot = own_index_insert(&routes, keys[BUCKET_SLOTS]); /* in the next bucket */
    store_release(&routes_slot(&routes, slot)->ref, ref_make(200, 7));
    assert_int_equal(home_ref(&routes, keys[BUCKET_SLOTS]), ref_make(200, 7));
    free(routes.s_buckets);
}

/* Of a thousand keys some are in the bucket behind their own, and few further away. */
static void the_fast_path_finds_what_is_in_the_home_bucket_or_the_next_one(void **state)
{
    enum {
        KEYS = 1000
    };
    struct instance *instance = *state;
    struct region region;
    struct routes routes;
    uint32_t next = 0;
    for (uint64_t key = 1; key <= KEYS; key++)
        instance_put(instance, key, 1, (uint32_t)(1 + key % 40), 15);
    assert_int_equal(instance_map(instance, false, &region, &routes), SHM_OK);
    for (uint64_t key = 1; key <= 2 * KEYS; key++) {
        const struct slot *s_home = index_home(&routes, numbered_key(key));
        uint32_t slot = index_find(&routes, numbered_key(key));
        struct fast_table table;
        bool found = lookup_fast(&routes, numbered_key(key), &table);
        int64_t bucket =
            slot == SLOT_NONE ? -1 : (routes_slot(&routes, slot) - s_home) / (int64_t)BUCKET_SLOTS;
        assert_int_equal(found, bucket == 0 || bucket == 1);
        if (!found)
            continue;
        next += bucket == 1;
        assert_int_equal(table.ref, load_relaxed(&routes_slot(&routes, slot)->ref));
        assert_int_equal(fast_table_count(&table), 1 + key % 40);
        assert_true(block_intact(table.s_block, table.ref));
    }
    assert_true(next > 0);
    region_close(&region);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fast_path_finds_the_ref_in_each_place_of_its_buckets),
        cmocka_unit_test_setup_teardown(the_fast_path_finds_what_is_in_the_home_bucket_or_the_next_one,
                                        instance_setup, instance_teardown),
    };
    return cmocka_run_group_tests_name("unit/shm/reader/lookup_fast", tests, NULL, NULL);
}
