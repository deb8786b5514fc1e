/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conf/number.h"

static void a_number_is_digits_alone_and_in_range(void **state)
{
    (void)state;
    static const char *const bad[] = {"",   "-1",   "+1", " 1", "1 ",         "1a",
                                      "1.", "0x10", "6",  "20", "4294967306", "18446744073709551626"};
    uint32_t number = 7;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (number_parse(bad[i], 10, 19, &number))
            fail_msg("'%s' was taken", bad[i]);
    assert_int_equal(number, 7);
    assert_true(number_parse("10", 10, 19, &number));
    assert_int_equal(number, 10);
    assert_true(number_parse("0000000000000000000000019", 10, 19, &number));
    assert_int_equal(number, 19);
    assert_true(number_parse("4294967295", 0, UINT32_MAX, &number));
    assert_int_equal(number, UINT32_MAX);
}

static void what_follows_the_digits_is_the_callers(void **state)
{
    (void)state;
    uint64_t number;
    assert_string_equal(number_scan("18446744073709551615K", &number), "K");
    assert_int_equal(number, UINT64_MAX);
    assert_null(number_scan("18446744073709551616", &number));
    assert_null(number_scan("K", &number));
    assert_int_equal(number, UINT64_MAX);
}

static void one_alone_is_singular(void **state)
{
    (void)state;
    assert_string_equal(number_plural(0), "s");
    assert_string_equal(number_plural(1), "");
    assert_string_equal(number_plural(2), "s");
    assert_string_equal(number_plural((UINT64_C(1) << 32) + 1), "s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_is_digits_alone_and_in_range),
        cmocka_unit_test(what_follows_the_digits_is_the_callers),
        cmocka_unit_test(one_alone_is_singular),
    };
    return cmocka_run_group_tests_name("unit/conf/number", tests, NULL, NULL);
}
