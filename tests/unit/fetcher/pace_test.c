/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fetcher/pace.h"

static void after_a_second_in_which_nothing_is_counted_polls_are_rare(void **state)
{
    struct pace pace = {0};
    (void)state;
    assert_int_equal(pace_next(&pace, 0, 10, 5000), 10);
    assert_int_equal(pace_next(&pace, 0, 10, 5000 + PACE_QUIET_MS - 1), 10);
    assert_int_equal(pace_next(&pace, 0, 10, 5000 + PACE_QUIET_MS), PACE_IDLE_MS);
    assert_int_equal(pace_next(&pace, 0, 10, 9000), PACE_IDLE_MS);
}

static void they_are_frequent_from_the_next_count_on(void **state)
{
    struct pace pace = {0};
    (void)state;
    pace_next(&pace, 7, 10, 5000);
    assert_int_equal(pace_next(&pace, 7, 10, 9000), PACE_IDLE_MS);
    assert_int_equal(pace_next(&pace, 8, 10, 9100), 10);
    assert_int_equal(pace_next(&pace, 8, 10, 9200), 10);
}

static void an_interval_that_is_longer_stays(void **state)
{
    struct pace pace = {0};
    (void)state;
    pace_next(&pace, 7, 500, 5000);
    assert_int_equal(pace_next(&pace, 7, 500, 9000), 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_a_second_in_which_nothing_is_counted_polls_are_rare),
        cmocka_unit_test(they_are_frequent_from_the_next_count_on),
        cmocka_unit_test(an_interval_that_is_longer_stays),
    };
    return cmocka_run_group_tests_name("unit/fetcher/pace", tests, NULL, NULL);
}
