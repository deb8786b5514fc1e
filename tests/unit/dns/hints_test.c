/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/dns/hints.h"

static bool see(struct hints *hints, uint64_t id, uint64_t version, uint32_t modid)
{
    const struct hint hint = {.id = id, .version = version, .key = {modid, 1}};
    return hints_see(hints, &hint);
}

static void a_row_is_new_once_in_whatever_order_ids_come(void **state)
{
    (void)state;
    static struct hints hints;
    assert_true(see(&hints, 12, 1, 1));
    assert_true(see(&hints, 9, 1, 1)); /* began first, committed last */
    assert_false(see(&hints, 12, 1, 1));
    assert_false(see(&hints, 9, 1, 1));
    for (uint64_t id = 100; id < 100 + HINTS_MAX; id++)
        assert_true(see(&hints, id, 2, 7));
    for (uint64_t id = 100; id < 100 + HINTS_MAX; id++)
        assert_false(see(&hints, id, 2, 7));
}

static void ids_that_begin_again_are_new_rows(void **state)
{
    (void)state;
    static struct hints hints;
    assert_true(see(&hints, 1, 5, 1));
    assert_true(see(&hints, 1, 6, 1));
    assert_true(see(&hints, 1, 6, 2));
    assert_false(see(&hints, 1, 6, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_new_once_in_whatever_order_ids_come),
        cmocka_unit_test(ids_that_begin_again_are_new_rows),
    };
    return cmocka_run_group_tests_name("unit/dns/hints", tests, NULL, NULL);
}
