/* SPDX-License-Identifier: MIT */
#include "shm/call_cell.h"
#include "tests/support/keys.h"
#include "tests/unit/shm/calls.h"

enum {
    CELLS = 1024
};

static int setup(void **state)
{
    static struct calls calls;
    calls_begin(&calls, CELLS);
    *state = &calls;
    return 0;
}

static int teardown(void **state)
{
    calls_end(*state);
    return 0;
}

static void a_cell_is_named_only_on_request_and_is_the_same_for_all(void **state)
{
    const struct control *control = &((struct calls *)*state)->control;
    assert_null(call_cell_find(control, numbered_key(1), calls_host(0), false));
    const struct call_cell *s_cell = call_cell_find(control, numbered_key(1), calls_host(0), true);
    assert_non_null(s_cell);
    assert_ptr_equal(call_cell_find(control, numbered_key(1), calls_host(0), false), s_cell);
    assert_ptr_equal(call_cell_find(control, numbered_key(1), calls_host(0), true), s_cell);
    assert_null(call_cell_find(control, numbered_key(1), calls_host(1), false));
    assert_null(call_cell_find(control, numbered_key(2), calls_host(0), false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_cell_is_named_only_on_request_and_is_the_same_for_all, setup,
                                        teardown),
    };
    return cmocka_run_group_tests_name("unit/shm/call_cell", tests, NULL, NULL);
}
