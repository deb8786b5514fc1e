/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "shm/names.h"

static void names_that_are_no_instance_are_refused(void **state)
{
    static const char *const bad[] = {"",    "a.b", "a/b",      "../x", "x.control",
                                      "a b", "a\n", "\xc3\xa4", "a%s",  "123456789012345678901234567890123",
                                      "a*"};
    struct object_names names;
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(object_names(bad[i], &names), SHM_BAD_ARGUMENT);
}

static void every_object_of_an_instance_has_a_name_of_its_own(void **state)
{
    struct object_names names;
    (void)state;
    assert_int_equal(object_names("12345678901234567890123456789-_A", &names), SHM_OK);
    const char *const all[] = {names.routes,     names.control,      names.hosts,
                               names.lock,       names.next_routes,  names.next_control,
                               names.next_hosts, names.other_routes, names.other_hosts};
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        assert_memory_equal(all[i], "/larshm.12345678901234567890123456789-_A", 40);
        assert_true(strlen(all[i]) < OBJECT_NAME_MAX);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(all[i], all[k]);
    }
}

static void directory_is_an_absolute_path_given_or_of_the_environment(void **state)
{
    char longest[DIRECTORY_PATH_MAX + 1] = "/";
    (void)state;
    memset(longest + 1, 'x', DIRECTORY_PATH_MAX - 2);
    unsetenv("LARSHM_DIRECTORY");
    assert_string_equal(directory_or_default(NULL), "/dev/shm");
    setenv("LARSHM_DIRECTORY", "/run/a", 1);
    assert_string_equal(directory_or_default(NULL), "/run/a");
    assert_string_equal(directory_or_default(""), "/run/a");
    assert_string_equal(directory_or_default("/run/b"), "/run/b");
    assert_string_equal(directory_or_default(longest), longest);
    strcat(longest, "x");
    assert_null(directory_or_default(longest));
    assert_null(directory_or_default("run/b"));
    setenv("LARSHM_DIRECTORY", "", 1);
    assert_string_equal(directory_or_default(NULL), "/dev/shm");
    unsetenv("LARSHM_DIRECTORY");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_are_no_instance_are_refused),
        cmocka_unit_test(every_object_of_an_instance_has_a_name_of_its_own),
        cmocka_unit_test(directory_is_an_absolute_path_given_or_of_the_environment),
    };
    return cmocka_run_group_tests_name("unit/shm/names", tests, NULL, NULL);
}
