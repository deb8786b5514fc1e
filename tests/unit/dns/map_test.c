/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tools/dns/map.h"

enum {
    KEYS = 4096,
    STEPS = 400000,
};

static void behaves_like_an_array_under_random_puts_and_removes(void **state)
{
    (void)state;
    static int values[KEYS];
    bool there[KEYS] = {0};
    size_t count = 0;
    struct map map = {0};
    unsigned seed = 1;
    for (int step = 0; step < STEPS; step++) {
        int i = rand_r(&seed) % KEYS;
        uint64_t key = (uint64_t)i << 32 | (uint64_t)(i % 7);
        if (there[i]) {
            map_remove(&map, key);
            count--;
        } else {
            assert_int_equal(map_put(&map, key, &values[i]), 0);
            count++;
        }
        there[i] = !there[i];
        assert_int_equal(map.count, count);
        int k = rand_r(&seed) % KEYS;
        assert_ptr_equal(map_get(&map, (uint64_t)k << 32 | (uint64_t)(k % 7)), there[k] ? &values[k] : NULL);
    }
    for (int i = 0; i < KEYS; i++)
        assert_ptr_equal(map_get(&map, (uint64_t)i << 32 | (uint64_t)(i % 7)), there[i] ? &values[i] : NULL);
    map_free(&map);
}

static void count_value(void *arg, void *value)
{
    (*(int *)value)++;
    (*(int *)arg)++;
}

static void each_visits_every_value_once(void **state)
{
    (void)state;
    static int values[1000];
    struct map map = {0};
    for (int i = 0; i < 1000; i++)
        assert_int_equal(map_put(&map, (uint64_t)i, &values[i]), 0);
    int visited = 0;
    map_each(&map, count_value, &visited);
    assert_int_equal(visited, 1000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(values[i], 1);
    map_free(&map);
}

static void empty_map_has_nothing(void **state)
{
    (void)state;
    struct map map = {0};
    assert_null(map_get(&map, 0));
    map_remove(&map, 0);
    map_free(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(behaves_like_an_array_under_random_puts_and_removes),
        cmocka_unit_test(each_visits_every_value_once),
        cmocka_unit_test(empty_map_has_nothing),
    };
    return cmocka_run_group_tests_name("unit/dns/map", tests, NULL, NULL);
}
