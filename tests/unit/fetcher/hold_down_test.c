/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fetcher/hold_down.h"
#include "tests/support/keys.h"

enum {
    KEYS = 100000
};

static int setup(void **state)
{
    struct hold_down *hold = calloc(1, sizeof(*hold));
    if (!hold)
        return -1;
    hold_down_init(hold);
    *state = hold;
    return 0;
}

static int teardown(void **state)
{
    hold_down_free(*state);
    free(*state);
    return 0;
}

static void expect_oldest(const struct hold_down *hold, uint64_t begun_by, uint64_t key)
{
    struct route_key oldest = {0};
    assert_true(hold_down_oldest(hold, begun_by, &oldest));
    assert_int_equal(route_key_number(oldest), key);
}

static void hold_begins_with_the_first_empty_answer_and_later_ones_do_not_prolong_it(void **state)
{
    struct hold_down *hold = *state;
    struct route_key key;
    uint64_t last = 0;
    assert_false(hold_down_last(hold, numbered_key(5), &last));
    assert_true(hold_down_add(hold, numbered_key(5), 100));
    assert_true(hold_down_add(hold, numbered_key(5), 150));
    assert_int_equal(hold->count, 1);
    assert_true(hold_down_last(hold, numbered_key(5), &last));
    assert_int_equal(last, 150);
    assert_false(hold_down_oldest(hold, 99, &key));
    expect_oldest(hold, 100, 5);
}

static void holds_end_in_the_order_they_began_whatever_ends_between(void **state)
{
    struct hold_down *hold = *state;
    struct route_key key;
    for (uint64_t i = 0; i < 5; i++)
        assert_true(hold_down_add(hold, numbered_key(9 - i), 100 + i));
    assert_true(hold_down_end(hold, numbered_key(7)));
    assert_true(hold_down_end(hold, numbered_key(9)));
    assert_false(hold_down_end(hold, numbered_key(7)));
    for (uint64_t left = 8; left >= 5; left--) {
        if (left == 7)
            continue;
        expect_oldest(hold, 104, left);
        assert_true(hold_down_end(hold, numbered_key(left)));
    }
    assert_false(hold_down_oldest(hold, UINT64_MAX, &key));
    assert_int_equal(hold->count, 0);
}

static void hold_that_was_ended_starts_again(void **state)
{
    struct hold_down *hold = *state;
    struct route_key key;
    assert_true(hold_down_add(hold, numbered_key(1), 100));
    assert_true(hold_down_add(hold, numbered_key(2), 101));
    assert_true(hold_down_end(hold, numbered_key(1)));
    assert_true(hold_down_add(hold, numbered_key(1), 200));
    expect_oldest(hold, 150, 2);
    assert_true(hold_down_end(hold, numbered_key(2)));
    assert_false(hold_down_oldest(hold, 150, &key));
    expect_oldest(hold, 200, 1);
}

/* A directory that loses all its routes at once; the keys come in order, as a tree likes it least. */
static void any_number_of_routes_can_be_held(void **state)
{
    struct hold_down *hold = *state;
    uint64_t last;
    for (uint64_t key = 0; key < KEYS; key++)
        assert_true(hold_down_add(hold, numbered_key(key), key));
    for (uint64_t key = 0; key < KEYS; key += 2)
        assert_true(hold_down_end(hold, numbered_key(key)));
    assert_int_equal(hold->count, KEYS / 2);
    for (uint64_t key = 0; key < KEYS; key++)
        assert_int_equal(hold_down_last(hold, numbered_key(key), &last), key % 2);
    for (uint64_t key = 1; key < KEYS; key += 2) {
        expect_oldest(hold, key, key);
        assert_true(hold_down_end(hold, numbered_key(key)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            hold_begins_with_the_first_empty_answer_and_later_ones_do_not_prolong_it, setup, teardown),
        cmocka_unit_test_setup_teardown(holds_end_in_the_order_they_began_whatever_ends_between, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(hold_that_was_ended_starts_again, setup, teardown),
        cmocka_unit_test_setup_teardown(any_number_of_routes_can_be_held, setup, teardown),
    };
    return cmocka_run_group_tests_name("unit/fetcher/hold_down", tests, NULL, NULL);
}
