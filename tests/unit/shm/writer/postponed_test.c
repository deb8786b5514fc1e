/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "shm/writer/postponed.h"
#include "tests/support/keys.h"

enum {
    CACHED = 2, /* units: a table of fourteen hosts */
    GROWTH = 100,
    HALF = 600, /* hosts: the growth of more than half of what may wait */
    TOO_MANY = 2000,
};

static int setup(void **state)
{
    struct postponed *postponed = calloc(1, sizeof(*postponed));
    if (!postponed)
        return -1;
    postponed_init(postponed);
    *state = postponed;
    return 0;
}

static int teardown(void **state)
{
    postponed_free(*state);
    free(*state);
    return 0;
}

static bool add(struct postponed *postponed, uint64_t key, uint32_t count, uint64_t answered)
{
    static struct host_addr hosts[HOSTS_MAX];
    static uint64_t states[STATE_WORDS(HOSTS_MAX)];
    states[0] = answered;
    for (uint32_t i = 0; i < count; i++)
        hosts[i] = (struct host_addr){(uint32_t)answered, (uint16_t)(i + 1)};
    const struct publication table = {
        .key = numbered_key(key), .hosts = hosts, .states = states, .count = count};
    return postponed_add(postponed, &table, answered, CACHED, GROWTH);
}

static void expect_first(const struct postponed *postponed, uint64_t key, uint64_t answered)
{
    const struct postponed_answer *first = postponed_first(postponed);
    assert_non_null(first);
    assert_true(route_key_equal(first->table.key, numbered_key(key)));
    assert_int_equal(first->answered, answered);
    for (uint32_t i = 0; i < first->table.count; i++)
        assert_true(host_addr_equal(first->table.hosts[i],
                                    (struct host_addr){(uint32_t)answered, (uint16_t)(i + 1)}));
    if (first->table.count)
        assert_int_equal(first->table.states[0], answered);
}

static void the_newest_answer_of_a_route_is_kept_whole(void **state)
{
    struct postponed *postponed = *state;
    assert_null(postponed_first(postponed));
    assert_true(add(postponed, 1, 40, 7));
    assert_true(add(postponed, 1, 3, 8));
    assert_int_equal(postponed->count, 1);
    expect_first(postponed, 1, 8);
    assert_true(add(postponed, 1, 0, 9));
    expect_first(postponed, 1, 9);
    postponed_drop(postponed, numbered_key(2));
    postponed_drop(postponed, numbered_key(1));
    assert_null(postponed_first(postponed));
    assert_int_equal(postponed->units, 0);
}

static void answers_come_in_order_and_deferred_ones_last(void **state)
{
    struct postponed *postponed = *state;
    for (uint64_t key = 1; key <= 3; key++)
        assert_true(add(postponed, key, 1, key));
    postponed_defer(postponed, postponed_first(postponed));
    static const uint32_t order[] = {2, 3, 1};
    for (unsigned i = 0; i < 3; i++) {
        expect_first(postponed, order[i], order[i]);
        postponed_drop(postponed, postponed_first(postponed)->table.key);
    }
}

static void g10_larger_tables_have_a_limit_and_others_always_wait(void **state)
{
    struct postponed *postponed = *state;
    uint32_t added = 0;
    for (uint64_t key = 1; key <= 2 * GROWTH; key++)
        added += add(postponed, key, 15, key);
    assert_int_equal(added, GROWTH);
    for (uint64_t key = 1001; key <= 2000; key++)
        assert_true(add(postponed, key, 14, key));
}

static void g10_an_answer_counts_in_place_of_the_earlier_one(void **state)
{
    struct postponed *postponed = *state;
    const uint32_t growth = block_units(HALF) - CACHED;
    assert_true(growth > GROWTH / 2 && growth <= GROWTH);
    assert_true(add(postponed, 1, HALF, 1));
    assert_true(add(postponed, 1, HALF, 2));
    assert_false(add(postponed, 2, HALF, 3));
    expect_first(postponed, 1, 2);
    assert_int_equal(postponed->count, 1);
    assert_int_equal(postponed->growth, growth);
    assert_true(add(postponed, 1, 1, 4));
    assert_int_equal(postponed->growth, 0);
    assert_int_equal(postponed->units, 1);
    assert_true(add(postponed, 2, HALF, 5));
}

static void g9_an_earlier_answer_stays_where_a_later_one_is_refused(void **state)
{
    struct postponed *postponed = *state;
    assert_true(add(postponed, 1, 3, 7));
    assert_true(add(postponed, 2, 3, 8));
    assert_false(add(postponed, 1, TOO_MANY, 9));
    expect_first(postponed, 1, 7);
    assert_int_equal(postponed->count, 2);
    /* Its place is kept, too, by what replaces it. */
    assert_true(add(postponed, 1, 4, 10));
    expect_first(postponed, 1, 10);
}

static void g9_a_deletion_does_not_stay_where_later_hosts_are_refused(void **state)
{
    struct postponed *postponed = *state;
    assert_true(add(postponed, 1, 0, 7));
    assert_false(add(postponed, 1, TOO_MANY, 8));
    assert_null(postponed_first(postponed));
    assert_int_equal(postponed->units, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_newest_answer_of_a_route_is_kept_whole),
        TEST(answers_come_in_order_and_deferred_ones_last),
        TEST(g10_larger_tables_have_a_limit_and_others_always_wait),
        TEST(g10_an_answer_counts_in_place_of_the_earlier_one),
        TEST(g9_an_earlier_answer_stays_where_a_later_one_is_refused),
        TEST(g9_a_deletion_does_not_stay_where_later_hosts_are_refused),
    };
    return cmocka_run_group_tests_name("unit/shm/writer/postponed", tests, NULL, NULL);
}
