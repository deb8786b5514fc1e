/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "conf/system_error.h"

static void an_error_that_a_limit_causes_names_it_and_how_to_raise_it(void **state)
{
    (void)state;
    assert_non_null(strstr(system_error_text(EFBIG), "LimitFSIZE="));
    assert_non_null(strstr(system_error_text(EMFILE), "LimitNOFILE="));
    assert_non_null(strstr(system_error_text(ENFILE), "fs.file-max"));
    assert_non_null(strstr(system_error_thread_text(EAGAIN), "TasksMax="));
}

static void any_other_error_is_named_as_the_system_does(void **state)
{
    (void)state;
    assert_string_equal(system_error_text(EACCES), strerror(EACCES));
    assert_string_equal(system_error_text(EAGAIN), strerror(EAGAIN));
    assert_string_equal(system_error_thread_text(ENOMEM), strerror(ENOMEM));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_that_a_limit_causes_names_it_and_how_to_raise_it),
        cmocka_unit_test(any_other_error_is_named_as_the_system_does),
    };
    return cmocka_run_group_tests_name("unit/conf/system_error", tests, NULL, NULL);
}
