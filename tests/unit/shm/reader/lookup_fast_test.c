/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "shm/index.h"
#include "shm/reader/lookup_fast.h"
#include "tests/support/keys.h"
#include "tests/unit/shm/own_index.h"

/* Wherever in its home bucket a key is, and though another one is first; anything, but no endless search, if it is not. */
static void the_fast_path_finds_the_ref_in_each_place_of_a_bucket(void **state)
{
    struct routes routes;
    uint64_t key = 0, keys[BUCKET_SLOTS + 1];
    (void)state;
    own_index_setup(&routes, 7);
    for (uint32_t i = 0; i <= BUCKET_SLOTS; i++)
        keys[i] = own_index_key(&routes, 3, &key);
    assert_int_equal(lookup_fast_ref(&routes, numbered_key(keys[0])), 0);
    for (uint32_t i = 0; i < BUCKET_SLOTS; i++) {
        uint32_t slot = own_index_insert(&routes, keys[i]);
        store_release(&routes_slot(&routes, slot)->ref, ref_make(100 + i, i));
        for (uint32_t k = 0; k <= i; k++)
            assert_int_equal(lookup_fast_ref(&routes, numbered_key(keys[k])), ref_make(100 + k, k));
        if (i + 1 < BUCKET_SLOTS)
            assert_int_equal(lookup_fast_ref(&routes, numbered_key(keys[i + 1])), 0);
    }
    own_index_insert(&routes, keys[BUCKET_SLOTS]); /* in the next bucket */
    assert_int_equal(lookup_fast_ref(&routes, numbered_key(keys[BUCKET_SLOTS])),
                     ref_make(100 + BUCKET_SLOTS - 1, BUCKET_SLOTS - 1));
    free(routes.s_buckets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fast_path_finds_the_ref_in_each_place_of_a_bucket),
    };
    return cmocka_run_group_tests_name("unit/shm/reader/lookup_fast", tests, NULL, NULL);
}
