/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fetcher/backoff.h"

static void pauses_double_up_to_the_longest(void **state)
{
    (void)state;
    static const uint64_t expected[] = {100, 200, 400, 800, 1000, 1000};
    for (unsigned attempts = 1; attempts <= 6; attempts++)
        for (int i = 0; i < 200; i++) {
            uint64_t pause = backoff_ms(100, 1000, attempts);
            assert_in_range(pause, expected[attempts - 1] / 2, expected[attempts - 1]);
        }
    assert_in_range(backoff_ms(100, 30000, 4000000000U), 15000, 30000);
}

static void pauses_differ_from_one_fetcher_to_the_next(void **state)
{
    (void)state;
    uint64_t first = backoff_ms(30000, 30000, 1);
    int different = 0;
    for (int i = 0; i < 50; i++)
        different += backoff_ms(30000, 30000, 1) != first;
    assert_true(different > 40);
}

static void shortest_pauses_are_possible(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++)
        assert_in_range(backoff_ms(1, 1, 1), 1, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pauses_double_up_to_the_longest),
        cmocka_unit_test(pauses_differ_from_one_fetcher_to_the_next),
        cmocka_unit_test(shortest_pauses_are_possible),
    };
    return cmocka_run_group_tests_name("unit/fetcher/backoff", tests, NULL, NULL);
}
