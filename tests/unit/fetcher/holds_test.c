/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fetcher/holds.h"
#include "tests/support/keys.h"

enum {
    KEYS = 100000,
    STEP = 7919, /* no divisor of KEYS: times in another order than keys */
};

static int setup(void **state)
{
    struct holds *holds = calloc(1, sizeof(*holds));
    if (!holds)
        return -1;
    holds_init(holds);
    *state = holds;
    return 0;
}

static int teardown(void **state)
{
    holds_free(*state);
    free(*state);
    return 0;
}

static struct hold *begin(struct holds *holds, uint64_t key, uint64_t ends)
{
    struct hold *hold = holds_add(holds, numbered_key(key), 50);
    assert_non_null(hold);
    holds_set_time(holds, hold, HOLD_ENDS, ends);
    return hold;
}

static void expect_due(const struct holds *holds, enum hold_time time, uint64_t now, uint64_t key)
{
    const struct hold *hold = holds_due(holds, time, now);
    assert_non_null(hold);
    assert_int_equal(route_key_number(hold->key), key);
}

static void hold_is_found_until_it_ends_and_has_begun_when_it_was_added(void **state)
{
    struct holds *holds = *state;
    assert_null(holds_find(holds, numbered_key(5)));
    struct hold *hold = begin(holds, 5, 100);
    assert_ptr_equal(holds_find(holds, numbered_key(5)), hold);
    assert_int_equal(hold->since, 50);
    assert_int_equal(holds->count, 1);
    assert_null(holds_find(holds, numbered_key(6)));
    holds_end(holds, hold);
    assert_null(holds_find(holds, numbered_key(5)));
    assert_int_equal(holds->count, 0);
}

static void time_is_due_when_it_has_come_and_not_before(void **state)
{
    struct holds *holds = *state;
    assert_null(holds_due(holds, HOLD_ENDS, HOLD_NEVER - 1));
    begin(holds, 5, 100);
    assert_null(holds_due(holds, HOLD_ENDS, 99));
    expect_due(holds, HOLD_ENDS, 100, 5);
    assert_null(holds_due(holds, HOLD_REQUESTS, HOLD_NEVER - 1));
}

static void times_that_move_come_in_their_new_order(void **state)
{
    struct holds *holds = *state;
    struct hold *first = begin(holds, 1, 100), *second = begin(holds, 2, 200), *third = begin(holds, 3, 300);
    holds_set_time(holds, third, HOLD_ENDS, 10);
    expect_due(holds, HOLD_ENDS, 1000, 3);
    holds_set_time(holds, third, HOLD_ENDS, 400);
    expect_due(holds, HOLD_ENDS, 1000, 1);
    holds_set_time(holds, first, HOLD_ENDS, HOLD_NEVER);
    expect_due(holds, HOLD_ENDS, 1000, 2);
    holds_set_time(holds, first, HOLD_REQUESTS, 7);
    expect_due(holds, HOLD_REQUESTS, 1000, 1);
    holds_end(holds, second);
    expect_due(holds, HOLD_ENDS, 1000, 3);
}

static void answer_that_is_kept_is_the_last_one(void **state)
{
    struct holds *holds = *state;
    const struct host_addr hosts[] = {{1, 10}, {2, 20}, {3, 30}};
    struct hold *hold = begin(holds, 1, 100);
    assert_int_equal(hold->count, 0);
    assert_true(holds_set_answer(holds, hold, hosts, 3));
    assert_true(holds_set_answer(holds, hold, hosts + 1, 2));
    assert_int_equal(hold->count, 2);
    assert_int_equal(hold->hosts[1].address, 3);
    assert_int_equal(hold->hosts[1].port, 30);
    assert_true(holds_set_answer(holds, hold, NULL, 0));
    assert_int_equal(hold->count, 0);
    assert_int_equal(holds->host_count, 0);
}

static void g10_answers_that_are_kept_have_a_limited_number_of_hosts_together(void **state)
{
    static const struct host_addr hosts[HOSTS_MAX];
    struct holds *holds = *state;
    uint32_t key = 0;
    while (holds_set_answer(holds, begin(holds, key, 100), hosts, HOSTS_MAX))
        key++;
    assert_int_equal(holds->host_count, HOLDS_HOSTS_MAX / HOSTS_MAX * HOSTS_MAX);
    struct hold *last = holds_find(holds, route_key(0, key)), *first = holds_find(holds, route_key(0, 0));
    assert_int_equal(last->count, 0);
    assert_true(holds_set_answer(holds, first, hosts, 1));
    assert_true(holds_set_answer(holds, last, hosts, HOSTS_MAX));
    holds_end(holds, last);
    assert_int_equal(holds->host_count, (HOLDS_HOSTS_MAX / HOSTS_MAX - 1) * HOSTS_MAX + 1);
}

/* A directory that loses all its routes at once; the keys come in order, as a tree likes it least. */
static void any_number_of_routes_is_held_and_ends_in_the_order_of_time(void **state)
{
    struct holds *holds = *state;
    uint64_t before = 0;
    for (uint64_t key = 0; key < KEYS; key++)
        begin(holds, key, key * STEP % KEYS);
    for (uint64_t key = 0; key < KEYS; key += 2)
        holds_end(holds, holds_find(holds, numbered_key(key)));
    assert_int_equal(holds->count, KEYS / 2);
    for (uint64_t key = 0; key < KEYS; key++)
        assert_int_equal(holds_find(holds, numbered_key(key)) != NULL, key % 2);
    for (struct hold *hold; (hold = holds_due(holds, HOLD_ENDS, KEYS)); holds_end(holds, hold)) {
        assert_int_equal(hold->when[HOLD_ENDS], route_key_number(hold->key) * STEP % KEYS);
        assert_true(hold->when[HOLD_ENDS] >= before);
        before = hold->when[HOLD_ENDS];
    }
    assert_int_equal(holds->count, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(hold_is_found_until_it_ends_and_has_begun_when_it_was_added),
        TEST(time_is_due_when_it_has_come_and_not_before),
        TEST(times_that_move_come_in_their_new_order),
        TEST(answer_that_is_kept_is_the_last_one),
        TEST(g10_answers_that_are_kept_have_a_limited_number_of_hosts_together),
        TEST(any_number_of_routes_is_held_and_ends_in_the_order_of_time),
    };
    return cmocka_run_group_tests_name("unit/fetcher/holds", tests, NULL, NULL);
}
