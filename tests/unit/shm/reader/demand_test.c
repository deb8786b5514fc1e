/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shm/atomic.h"
#include "shm/reader/demand.h"
#include "tests/support/keys.h"
#include "tests/unit/shm/calls.h"

enum {
    CHOICES = 4 /* miss cells that a key may use */
};

static uint32_t cells_in_use(const struct control *control)
{
    uint32_t used = 0;
    for (uint32_t i = 0; i < MISS_CELLS; i++)
        used += load_relaxed(&control->s_misses[i]) != 0;
    return used;
}

static void a_key_is_demanded_once_however_often_it_is_missed(void **state)
{
    struct calls calls;
    (void)state;
    calls_begin(&calls, 1);
    for (int i = 0; i < 1000; i++)
        demand_route(&calls.control, numbered_key(5));
    assert_int_equal(cells_in_use(&calls.control), 1);
    demand_route(&calls.control, numbered_key(6));
    assert_int_equal(cells_in_use(&calls.control), 2);
    calls_end(&calls);
}

static void a_key_whose_cells_are_taken_overwrites_no_other(void **state)
{
    struct calls calls;
    (void)state;
    calls_begin(&calls, 1);
    for (uint64_t key = 0; key < 100000; key++)
        demand_route(&calls.control, numbered_key(key));
    assert_int_equal(cells_in_use(&calls.control), MISS_CELLS);
    uint64_t before = 0, after = 0;
    for (uint32_t i = 0; i < MISS_CELLS; i++)
        before += load_relaxed(&calls.control.s_misses[i]);
    for (uint64_t key = 100000; key < 200000; key++)
        demand_route(&calls.control, numbered_key(key));
    for (uint32_t i = 0; i < MISS_CELLS; i++)
        after += load_relaxed(&calls.control.s_misses[i]);
    assert_true(before == after);
    calls_end(&calls);
}

static void a_key_that_is_there_is_not_put_into_a_cell_that_became_free(void **state)
{
    struct calls calls;
    uint32_t at = 0;
    (void)state;
    calls_begin(&calls, 1);
    demand_route(&calls.control, numbered_key(5));
    while (load_relaxed(&calls.control.s_misses[at]) == 0)
        at++;
    /* Another key had the first of its cells when this one came, and has been taken since. */
    uint32_t first = at / CHOICES * CHOICES;
    store_relaxed(&calls.control.s_misses[first + CHOICES - 1], load_relaxed(&calls.control.s_misses[at]));
    store_relaxed(&calls.control.s_misses[at], 0);
    demand_route(&calls.control, numbered_key(5));
    assert_int_equal(cells_in_use(&calls.control), 1);
    calls_end(&calls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_demanded_once_however_often_it_is_missed),
        cmocka_unit_test(a_key_whose_cells_are_taken_overwrites_no_other),
        cmocka_unit_test(a_key_that_is_there_is_not_put_into_a_cell_that_became_free),
    };
    return cmocka_run_group_tests_name("unit/shm/reader/demand", tests, NULL, NULL);
}
