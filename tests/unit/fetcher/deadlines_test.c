/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fetcher/deadlines.h"

enum {
    HOSTS = 300,
    STEPS = 20000,
    TIMES = 50, /* few, so that many hosts have the same */
};

static void hosts_come_in_the_order_of_their_deadlines(void **state)
{
    (void)state;
    struct deadlines deadlines = {0};
    uint32_t first;
    uint64_t due;
    assert_true(deadlines_reserve(&deadlines, HOSTS));
    for (uint32_t i = 0; i < HOSTS; i++)
        deadlines_set(&deadlines, i, 1000 + i * 7 % HOSTS, false);
    for (uint32_t i = 0; i < HOSTS; i++) {
        assert_true(deadlines_first(&deadlines, &first, &due));
        assert_int_equal(first * 7 % HOSTS, i);
        assert_int_equal(due, 1000 + i);
        deadlines_set(&deadlines, first, DEADLINE_NONE, false);
    }
    assert_false(deadlines_first(&deadlines, &first, &due));
    deadlines_free(&deadlines);
}

static void room_is_made_without_losing_a_host(void **state)
{
    (void)state;
    struct deadlines deadlines = {0};
    uint32_t first;
    uint64_t due;
    for (uint32_t i = 0; i < 10 * HOSTS; i++) {
        assert_true(deadlines_reserve(&deadlines, i + 1));
        deadlines_set(&deadlines, i, 10 * HOSTS - i, true);
        assert_true(deadlines_first(&deadlines, &first, &due));
        assert_int_equal(first, i);
    }
    assert_int_equal(deadlines.count, 10 * HOSTS);
    deadlines_free(&deadlines);
    deadlines_free(&deadlines);
}

/* ---- against a table that is searched from end to end ---- */

static void expect_like_model(const struct deadlines *deadlines, const uint64_t model[static HOSTS])
{
    uint64_t earliest = DEADLINE_NONE, due = DEADLINE_NONE;
    uint32_t first = 0, ejected = 0;
    for (uint32_t i = 0; i < HOSTS; i++) {
        if (model[i] < earliest)
            earliest = model[i];
        ejected += model[i] != DEADLINE_NONE && i % 2;
    }
    assert_int_equal(deadlines->ejected, ejected);
    assert_int_equal(deadlines_first(deadlines, &first, &due), earliest != DEADLINE_NONE);
    assert_int_equal(due, earliest);
    assert_true(due == DEADLINE_NONE || model[first] == due);
}

static void any_changes_leave_the_first_one_first(void **state)
{
    (void)state;
    struct deadlines deadlines = {0};
    uint64_t model[HOSTS];
    assert_true(deadlines_reserve(&deadlines, HOSTS));
    for (uint32_t i = 0; i < HOSTS; i++)
        model[i] = DEADLINE_NONE;
    srand(1);
    for (int step = 0; step < STEPS; step++) {
        uint32_t number = (uint32_t)rand() % HOSTS;
        model[number] = rand() % 3 ? (uint64_t)rand() % TIMES : DEADLINE_NONE;
        deadlines_set(&deadlines, number, model[number], number % 2);
        expect_like_model(&deadlines, model);
    }
    deadlines_free(&deadlines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_come_in_the_order_of_their_deadlines),
        cmocka_unit_test(room_is_made_without_losing_a_host),
        cmocka_unit_test(any_changes_leave_the_first_one_first),
    };
    return cmocka_run_group_tests_name("unit/fetcher/deadlines", tests, NULL, NULL);
}
