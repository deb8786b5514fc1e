/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fetcher/subscriptions.h"
#include "tests/support/keys.h"

enum {
    KEYS = 5000
};

static void fill(struct subscriptions *known)
{
    for (uint64_t key = 0; key < KEYS; key++)
        assert_true(subscriptions_add(known, numbered_key(key)));
}

static bool keep_even(const void *context, struct route_key key)
{
    (void)context;
    return key.cmdid % 2 == 0;
}

static bool keep_none(const void *context, struct route_key key)
{
    (void)context;
    (void)key;
    return false;
}

static bool keep_below(const void *context, struct route_key key)
{
    return route_key_number(key) < *(const uint64_t *)context;
}

static void keys_stay_in_the_order_they_came(void **state)
{
    (void)state;
    struct subscriptions known = {0};
    fill(&known);
    assert_int_equal(known.count, KEYS);
    for (uint64_t i = 0; i < KEYS; i++)
        assert_int_equal(route_key_number(known.keys[i]), i);
    subscriptions_free(&known);
    assert_int_equal(known.count, 0);
    subscriptions_free(&known);
}

static void filter_keeps_order_and_what_the_cursor_has_passed(void **state)
{
    (void)state;
    for (size_t start = 0; start <= KEYS; start += 999) {
        struct subscriptions known = {0};
        size_t cursor = start;
        fill(&known);
        subscriptions_filter(&known, keep_even, NULL, &cursor);
        assert_int_equal(known.count, KEYS / 2);
        assert_int_equal(cursor, (start + 1) / 2);
        for (uint64_t i = 0; i < known.count; i++)
            assert_int_equal(route_key_number(known.keys[i]), 2 * i);
        subscriptions_free(&known);
    }
}

static void filter_that_keeps_nothing_puts_the_cursor_at_the_start(void **state)
{
    (void)state;
    struct subscriptions known = {0};
    size_t cursor = KEYS;
    fill(&known);
    subscriptions_filter(&known, keep_none, NULL, &cursor);
    assert_int_equal(known.count, 0);
    assert_int_equal(cursor, 0);
    assert_true(subscriptions_add(&known, numbered_key(1)));
    subscriptions_filter(&known, keep_none, NULL, &cursor);
    assert_int_equal(cursor, 0);
    subscriptions_free(&known);
}

static void filter_hands_the_context_on(void **state)
{
    (void)state;
    struct subscriptions known = {0};
    uint64_t limit = 10;
    size_t cursor = 20;
    fill(&known);
    subscriptions_filter(&known, keep_below, &limit, &cursor);
    assert_int_equal(known.count, limit);
    assert_int_equal(cursor, limit);
    subscriptions_free(&known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_stay_in_the_order_they_came),
        cmocka_unit_test(filter_keeps_order_and_what_the_cursor_has_passed),
        cmocka_unit_test(filter_that_keeps_nothing_puts_the_cursor_at_the_start),
        cmocka_unit_test(filter_hands_the_context_on),
    };
    return cmocka_run_group_tests_name("unit/fetcher/subscriptions", tests, NULL, NULL);
}
