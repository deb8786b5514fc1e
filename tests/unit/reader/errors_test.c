/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <larshm/larshm.h>

#include "tests/support/instance.h"

static void every_code_has_words_of_its_own(void **state)
{
    (void)state;
    for (int code = LARSHM_OK; code <= LARSHM_OVERRUN; code++) {
        assert_string_not_equal(larshm_strerror(code), larshm_strerror(-1));
        for (int other = LARSHM_OK; other < code; other++)
            assert_string_not_equal(larshm_strerror(code), larshm_strerror(other));
    }
    assert_non_null(larshm_strerror(12345));
    assert_non_null(strstr(larshm_strerror(LARSHM_NO_OBJECT), "larshm-fetcher"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(every_code_has_words_of_its_own),
    };
    return cmocka_run_group_tests_name("unit/reader/errors", tests, NULL, NULL);
}
