/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shm/atomic.h"
#include "shm/reader/lookup_stats.h"
#include "tests/unit/shm/calls.h"

static void lookups_are_added_to_the_cell_of_their_thread(void **state)
{
    struct calls calls;
    (void)state;
    calls_begin(&calls, 1);
    for (uint32_t thread = 0; thread < 2 * LOOKUP_CELLS; thread++)
        lookup_stats_add(&calls.control, thread, 100, 10, 1);
    for (uint32_t i = 0; i < LOOKUP_CELLS; i++) {
        assert_int_equal(load_relaxed(&calls.control.s_lookups[i].lookups), 200);
        assert_int_equal(load_relaxed(&calls.control.s_lookups[i].missed), 20);
        assert_int_equal(load_relaxed(&calls.control.s_lookups[i].expired), 2);
    }
    calls_end(&calls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lookups_are_added_to_the_cell_of_their_thread),
    };
    return cmocka_run_group_tests_name("unit/shm/reader/lookup_stats", tests, NULL, NULL);
}
