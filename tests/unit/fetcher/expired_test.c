/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fetcher/expired.h"

enum {
    SLOTS = 200
};

static void nothing_waits_at_first_and_there_is_room_for_none(void **state)
{
    (void)state;
    struct expired expired = {0};
    uint32_t slot;
    assert_int_equal(expired.capacity, 0);
    assert_false(expired_take(&expired, &slot));
    expired_free(&expired);
}

static void slots_come_out_in_the_order_they_came_each_once(void **state)
{
    (void)state;
    struct expired expired = {0};
    uint32_t slot, next = 0, expected = 0;
    assert_true(expired_reset(&expired, SLOTS));
    /* Up to all of them, round the ring several times. */
    for (int step = 0; step < 10000; step++) {
        if (random() % 2 && expired.count < SLOTS) {
            assert_false(expired_has(&expired, next % SLOTS));
            expired_add(&expired, next % SLOTS);
            assert_true(expired_has(&expired, next++ % SLOTS));
        } else if (expired_take(&expired, &slot)) {
            assert_int_equal(slot, expected++ % SLOTS);
            assert_false(expired_has(&expired, slot));
        }
        assert_int_equal(expired.count, next - expected);
    }
    for (; expired.count < SLOTS; next++)
        expired_add(&expired, next % SLOTS);
    while (expired_take(&expired, &slot))
        assert_int_equal(slot, expected++ % SLOTS);
    assert_int_equal(expected, next);
    expired_free(&expired);
}

static void new_generation_begins_with_none(void **state)
{
    (void)state;
    struct expired expired = {0};
    uint32_t slot;
    assert_true(expired_reset(&expired, SLOTS));
    expired_add(&expired, SLOTS - 1);
    assert_true(expired_reset(&expired, 2 * SLOTS));
    assert_false(expired_has(&expired, SLOTS - 1));
    assert_false(expired_take(&expired, &slot));
    expired_add(&expired, 2 * SLOTS - 1);
    assert_true(expired_take(&expired, &slot));
    assert_int_equal(slot, 2 * SLOTS - 1);
    expired_free(&expired);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_waits_at_first_and_there_is_room_for_none),
        cmocka_unit_test(slots_come_out_in_the_order_they_came_each_once),
        cmocka_unit_test(new_generation_begins_with_none),
    };
    return cmocka_run_group_tests_name("unit/fetcher/expired", tests, NULL, NULL);
}
