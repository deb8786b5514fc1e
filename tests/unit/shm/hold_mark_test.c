/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "shm/hold_mark.h"

enum {
    SECOND = 1000,
    MINUTE = 60 * SECOND,
    FINEST = 1023 * SECOND,
    LONGEST = 65535 * SECOND,
};

static void mark_without_a_reason_holds_nothing(void **state)
{
    (void)state;
    assert_int_equal(hold_mark_reason(0), 0);
    assert_int_equal(hold_mark_left(0, 0), 0);
    assert_int_equal(hold_mark_reason(hold_mark(HOLD_DROPPED, 30 * SECOND, 0)), HOLD_DROPPED);
}

/* For each hold that can be set, at any time of the machine and of the hold: never too little, nor by a unit too much. */
static void what_is_left_is_said_at_any_tick_until_the_hold_ends(void **state)
{
    (void)state;
    for (uint64_t now = 17; now < UINT64_C(1) << 45; now *= 3)
        for (int64_t length = SECOND; length <= LONGEST; length = length * 5 / 3) {
            uint64_t unit = length < FINEST ? SECOND : 2 * MINUTE, ends = now + (uint64_t)length;
            uint16_t mark = hold_mark(HOLD_EMPTY, ends, now);
            assert_int_equal(hold_mark_reason(mark), HOLD_EMPTY);
            assert_false(mark & MARK_SPARED);
            for (uint64_t at = now; at < ends; at += (uint64_t)length / 7 + 1)
                for (unsigned spared = 0; spared <= MARK_SPARED; spared += MARK_SPARED)
                    assert_in_range(hold_mark_left((uint16_t)(mark | spared), at), ends - at,
                                    ends - at + unit - 1);
        }
}

static void hold_that_is_over_has_nothing_left(void **state)
{
    (void)state;
    uint16_t mark = hold_mark(HOLD_EMPTY, 30 * SECOND, 0);
    assert_int_equal(hold_mark_left(mark, 30 * SECOND), 0);
    assert_int_equal(hold_mark_left(mark, 10 * MINUTE), 0);
    assert_int_equal(hold_mark_left(hold_mark(HOLD_EMPTY, 5 * SECOND, 7 * SECOND), 7 * SECOND), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mark_without_a_reason_holds_nothing),
        cmocka_unit_test(what_is_left_is_said_at_any_tick_until_the_hold_ends),
        cmocka_unit_test(hold_that_is_over_has_nothing_left),
    };
    return cmocka_run_group_tests_name("unit/shm/hold_mark", tests, NULL, NULL);
}
