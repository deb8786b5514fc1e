/* SPDX-License-Identifier: MIT */
#include "shm/writer/key_sketch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/support/keys.h"

enum {
    ADDED = 10000,
    OTHERS = 100000
};

static void it_has_all_that_were_added_and_few_others(void **state)
{
    (void)state;
    static struct key_sketch sketch;
    uint32_t found = 0;
    for (uint64_t key = 1; key <= ADDED; key++)
        key_sketch_add(&sketch, numbered_key(key));
    for (uint64_t key = 1; key <= ADDED; key++)
        assert_true(key_sketch_may_have(&sketch, numbered_key(key)));
    for (uint64_t key = 1; key <= OTHERS; key++)
        found += key_sketch_may_have(&sketch, numbered_key(ADDED + key));
    assert_in_range(found, 1, OTHERS / 50);
}

static void a_new_one_has_none(void **state)
{
    (void)state;
    static const struct key_sketch sketch;
    for (uint64_t key = 1; key <= ADDED; key++)
        assert_false(key_sketch_may_have(&sketch, numbered_key(key)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_has_all_that_were_added_and_few_others),
        cmocka_unit_test(a_new_one_has_none),
    };
    return cmocka_run_group_tests_name("unit/shm/writer/key_sketch", tests, NULL, NULL);
}
