/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/dns/receipt.h"

static void what_lies_before_the_backlog_has_arrived(void **state)
{
    (void)state;
    assert_true(receipt_reached(100, 100, 0));
    assert_false(receipt_reached(100, 100, 1));
    assert_true(receipt_reached(100, 150, 50));
    assert_false(receipt_reached(100, 150, 51));
}

static void positions_may_wrap(void **state)
{
    (void)state;
    assert_true(receipt_reached(UINT32_MAX - 9, 40, 50));
    assert_false(receipt_reached(UINT32_MAX - 9, 40, 51));
}

static void version_is_known_once_all_of_it_has_arrived_however_many_follow(void **state)
{
    struct receipt receipt = {.known = false};
    (void)state;
    receipt_await(&receipt, 7, 100);
    receipt_update(&receipt, 100, 1);
    assert_false(receipt.known);
    receipt_await(&receipt, 8, 200);
    receipt_update(&receipt, 200, 100);
    assert_true(receipt.known);
    assert_int_equal(receipt.version, 7);
    receipt_update(&receipt, 200, 0);
    assert_int_equal(receipt.version, 7);
    receipt_await(&receipt, 9, 300);
    receipt_update(&receipt, 300, 0);
    assert_int_equal(receipt.version, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_lies_before_the_backlog_has_arrived),
        cmocka_unit_test(positions_may_wrap),
        cmocka_unit_test(version_is_known_once_all_of_it_has_arrived_however_many_follow),
    };
    return cmocka_run_group_tests_name("unit/dns/receipt", tests, NULL, NULL);
}
