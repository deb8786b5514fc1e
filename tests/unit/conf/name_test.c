/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "conf/name.h"
#include "conf/values.h"

static void a_host_is_a_name_or_a_whole_ipv4_address(void **state)
{
    static const char *const good[] = {"a", "a-b.c_d", "1a.example", "xn--bcher-kva.example", "10.0.0.1"};
    static const char *const bad[] = {"",    ".",   "a.",     "a..b",       "-",         "_",   "a b",
                                      "a/b", "::1", "10.0.0", "10.0.0.256", "1.2.3.4.5", "a\n", "\xc3\xa4"};
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        if (!name_is_host(good[i]))
            fail_msg("\"%s\" was refused", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (name_is_host(bad[i]))
            fail_msg("\"%s\" was accepted", bad[i]);
}

static void labels_and_names_have_a_largest_length(void **state)
{
    char label[65] = "", name[CONFIG_HOST_SIZE + 1] = "";
    (void)state;
    memset(label, 'a', 63);
    assert_true(name_is_host(label));
    label[63] = 'a';
    assert_false(name_is_host(label));
    for (size_t i = 0; i < CONFIG_HOST_SIZE; i++)
        name[i] = i % 2 ? '.' : 'a';
    assert_false(name_is_host(name));
    name[CONFIG_HOST_SIZE - 1] = '\0';
    assert_true(name_is_host(name));
}

static void a_group_is_a_name_or_nothing(void **state)
{
    char longest[CONFIG_GROUP_SIZE + 1] = "";
    (void)state;
    assert_true(name_is_group(""));
    assert_true(name_is_group("www-data"));
    assert_true(name_is_group("_lars.readers"));
    assert_false(name_is_group("-x"));
    assert_false(name_is_group(".x"));
    assert_false(name_is_group("a b"));
    memset(longest, 'g', CONFIG_GROUP_SIZE);
    assert_false(name_is_group(longest));
    longest[CONFIG_GROUP_SIZE - 1] = '\0';
    assert_true(name_is_group(longest));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_is_a_name_or_a_whole_ipv4_address),
        cmocka_unit_test(labels_and_names_have_a_largest_length),
        cmocka_unit_test(a_group_is_a_name_or_nothing),
    };
    return cmocka_run_group_tests_name("unit/conf/name", tests, NULL, NULL);
}
