/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fetcher/refused.h"

static struct refused refused;

static void route_is_not_requested_until_its_time_is_over(void **state)
{
    (void)state;
    const struct route_key key = route_key(0, 0);
    assert_false(refused_lately(&refused, key, 0));
    refused_add(&refused, key, 1000);
    assert_true(refused_lately(&refused, key, 1000));
    assert_true(refused_lately(&refused, key, 1000 + REFUSED_MS - 1));
    assert_false(refused_lately(&refused, key, 1000 + REFUSED_MS));
    assert_false(refused_lately(&refused, route_key(0, 1), 1000));
}

static void accepted_answer_ends_it_for_that_route_alone(void **state)
{
    (void)state;
    refused_add(&refused, route_key(1, 2), 1000);
    for (uint32_t other = 3; other < 3 + 10 * REFUSED_CELLS; other++)
        refused_remove(&refused, route_key(1, other));
    assert_true(refused_lately(&refused, route_key(1, 2), 1000));
    refused_remove(&refused, route_key(1, 2));
    assert_false(refused_lately(&refused, route_key(1, 2), 1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(route_is_not_requested_until_its_time_is_over),
        cmocka_unit_test(accepted_answer_ends_it_for_that_route_alone),
    };
    return cmocka_run_group_tests_name("unit/fetcher/refused", tests, NULL, NULL);
}
