/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fetcher/record_set.h"

enum {
    NUMBERS = 2000
};

static void each_number_is_taken_once_however_often_it_was_added(void **state)
{
    (void)state;
    struct record_set set = {0};
    bool taken[NUMBERS] = {false};
    uint32_t number;
    for (uint32_t i = 0; i < NUMBERS; i += 2) {
        assert_true(record_set_reserve(&set, i + 1));
        record_set_add(&set, i);
        record_set_add(&set, i / 4 * 2);
    }
    for (uint32_t i = 0; i < NUMBERS; i += 2) {
        assert_true(record_set_take(&set, &number));
        assert_int_equal(number % 2, 0);
        assert_false(taken[number]);
        taken[number] = true;
    }
    assert_false(record_set_take(&set, &number));
    record_set_add(&set, 0);
    assert_true(record_set_take(&set, &number));
    assert_int_equal(number, 0);
    record_set_free(&set);
    record_set_free(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_number_is_taken_once_however_often_it_was_added),
    };
    return cmocka_run_group_tests_name("unit/fetcher/record_set", tests, NULL, NULL);
}
