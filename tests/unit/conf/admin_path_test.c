/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/admin_path.h"

static void socket_is_in_the_instance_s_own_directory(void **state)
{
    struct admin_path path;
    (void)state;
    assert_true(admin_path(ADMIN_RUN, "a", &path));
    assert_string_equal(path.base, "/run/larshm");
    assert_string_equal(path.directory, "/run/larshm/a");
    assert_string_equal(path.socket, "/run/larshm/a/admin.sock");
    assert_int_equal(setenv("XDG_RUNTIME_DIR", "/run/user/7", 1), 0);
    assert_true(admin_path(ADMIN_XDG, "a", &path));
    assert_string_equal(path.socket, "/run/user/7/larshm/a/admin.sock");
}

static void runtime_directory_that_is_unset_relative_or_too_long_is_no_place(void **state)
{
    struct admin_path path;
    char directory[CONFIG_PATH_SIZE + 1] = "/";
    const size_t longest = CONFIG_PATH_SIZE - sizeof("/larshm/a/admin.sock");
    (void)state;
    assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
    assert_false(admin_path(ADMIN_XDG, "a", &path));
    assert_int_equal(setenv("XDG_RUNTIME_DIR", "run", 1), 0);
    assert_false(admin_path(ADMIN_XDG, "a", &path));
    for (size_t length = 1; length < sizeof(directory); length++) {
        assert_int_equal(setenv("XDG_RUNTIME_DIR", directory, 1), 0);
        assert_int_equal(admin_path(ADMIN_XDG, "a", &path), length <= longest);
        directory[length] = 'x';
        directory[length + 1 < sizeof(directory) ? length + 1 : length] = '\0';
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(socket_is_in_the_instance_s_own_directory),
        cmocka_unit_test(runtime_directory_that_is_unset_relative_or_too_long_is_no_place),
    };
    return cmocka_run_group_tests_name("unit/conf/admin_path", tests, NULL, NULL);
}
