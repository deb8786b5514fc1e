/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shm/saturating.h"

static void sums_stay_at_their_largest_value(void **state)
{
    (void)state;
    assert_int_equal(saturating_add(1, 2), 3);
    assert_int_equal(saturating_add(UINT64_MAX - 2, 2), UINT64_MAX);
    assert_int_equal(saturating_add(UINT64_MAX - 1, 2), UINT64_MAX);
    assert_int_equal(saturating_add(UINT64_MAX, UINT64_MAX), UINT64_MAX);
    assert_int_equal(saturating_add32(1, 2), 3);
    assert_int_equal(saturating_add32(UINT32_MAX - 2, 2), UINT32_MAX);
    assert_int_equal(saturating_add32(UINT32_MAX - 1, 2), UINT32_MAX);
    assert_int_equal(saturating_add32(1, UINT64_MAX), UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_stay_at_their_largest_value),
    };
    return cmocka_run_group_tests_name("unit/shm/saturating", tests, NULL, NULL);
}
