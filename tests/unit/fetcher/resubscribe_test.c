/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fetcher/resubscribe.h"

static void known_routes_are_spread_over_the_same_time_however_many(void **state)
{
    (void)state;
    for (uint64_t routes = RESUBSCRIBE_LEAST * RESUBSCRIBE_SPREAD_S; routes < 1000000; routes += 997)
        assert_in_range(routes / resubscribe_rate(routes, 1000000), RESUBSCRIBE_SPREAD_S - 1,
                        RESUBSCRIBE_SPREAD_S);
}

static void few_routes_are_soon_done(void **state)
{
    (void)state;
    assert_int_equal(resubscribe_rate(0, 5000), RESUBSCRIBE_LEAST);
    assert_int_equal(resubscribe_rate(5, 5000), RESUBSCRIBE_LEAST);
}

static void configured_rate_is_never_exceeded(void **state)
{
    (void)state;
    assert_int_equal(resubscribe_rate(5, 1), 1);
    assert_int_equal(resubscribe_rate(UINT64_C(1) << 40, 5000), 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_routes_are_spread_over_the_same_time_however_many),
        cmocka_unit_test(few_routes_are_soon_done),
        cmocka_unit_test(configured_rate_is_never_exceeded),
    };
    return cmocka_run_group_tests_name("unit/fetcher/resubscribe", tests, NULL, NULL);
}
