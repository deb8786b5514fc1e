/* SPDX-License-Identifier: MIT */
#include "shm/writer/slot_set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum {
    SLOTS = 200
};

static void it_begins_with_all_slots_in_ascending_order(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {4, 64, 68, 128, SLOTS};
    for (int i = 0; i < 5; i++) {
        struct slot_set set;
        uint32_t slot;
        assert_true(slot_set_fill(&set, sizes[i]));
        for (uint32_t expected = 0; expected < sizes[i]; expected++) {
            assert_true(slot_set_take(&set, &slot));
            assert_int_equal(slot, expected);
        }
        assert_false(slot_set_take(&set, &slot));
        slot_set_free(&set);
    }
}

static void what_was_taken_can_be_added_again_on_either_side(void **state)
{
    (void)state;
    struct slot_set set;
    uint32_t slot;
    assert_true(slot_set_fill(&set, SLOTS));
    for (uint32_t i = 0; i < 100; i++)
        assert_true(slot_set_take(&set, &slot));
    slot_set_add(&set, 99);
    slot_set_add(&set, 3);
    slot_set_add(&set, 3);
    slot_set_add(&set, 150); /* is in it */
    assert_int_equal(set.count, SLOTS - 100 + 2);
    for (uint32_t expected = 100; expected < SLOTS; expected++) {
        assert_true(slot_set_take(&set, &slot));
        assert_int_equal(slot, expected);
    }
    assert_true(slot_set_take(&set, &slot));
    assert_int_equal(slot, 3);
    assert_true(slot_set_take(&set, &slot));
    assert_int_equal(slot, 99);
    assert_false(slot_set_take(&set, &slot));
    slot_set_add(&set, 98);
    assert_true(slot_set_take(&set, &slot));
    assert_int_equal(slot, 98);
    slot_set_free(&set);
}

static void an_empty_one_has_nothing(void **state)
{
    (void)state;
    struct slot_set set = {0};
    uint32_t slot;
    assert_false(slot_set_take(&set, &slot));
    slot_set_free(&set);
}

static void what_is_removed_is_not_in_it_and_not_taken(void **state)
{
    (void)state;
    struct slot_set set = {0};
    uint32_t slot;
    assert_false(slot_set_has(&set, 5));
    slot_set_remove(&set, 5);
    assert_true(slot_set_begin(&set, SLOTS));
    assert_int_equal(set.count, 0);
    slot_set_add(&set, 5);
    slot_set_add(&set, SLOTS - 1);
    assert_true(slot_set_has(&set, 5) && slot_set_has(&set, SLOTS - 1));
    assert_false(slot_set_has(&set, 4) || slot_set_has(&set, 6));
    slot_set_remove(&set, 5);
    slot_set_remove(&set, 5);
    assert_int_equal(set.count, 1);
    assert_true(slot_set_take(&set, &slot));
    assert_int_equal(slot, SLOTS - 1);
    slot_set_free(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_begins_with_all_slots_in_ascending_order),
        cmocka_unit_test(what_was_taken_can_be_added_again_on_either_side),
        cmocka_unit_test(an_empty_one_has_nothing),
        cmocka_unit_test(what_is_removed_is_not_in_it_and_not_taken),
    };
    return cmocka_run_group_tests_name("unit/shm/writer/slot_set", tests, NULL, NULL);
}
