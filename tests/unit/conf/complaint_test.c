/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "conf/complaint.h"

static void a_complaint_names_file_and_line(void **state)
{
    char text[64];
    const struct complaint to = {"my.conf", text, sizeof(text)};
    (void)state;
    assert_int_equal(complain(&to, 3, "%s is %d", "x", 5), -1);
    assert_string_equal(text, "my.conf:3: x is 5");
    assert_int_equal(complain(&to, 0, "is empty"), -1);
    assert_string_equal(text, "my.conf: is empty");
}

static void a_complaint_is_cut_where_its_buffer_ends(void **state)
{
    (void)state;
    for (size_t size = 1; size < 40; size++) {
        char text[64];
        memset(text, '#', sizeof(text));
        const struct complaint to = {"my.conf", text, size};
        complain(&to, 12, "a sentence that is too long for it");
        assert_true(strlen(text) < size);
        assert_int_equal(text[size], '#');
    }
}

static void an_excerpt_is_printable_and_short(void **state)
{
    char bytes[200];
    (void)state;
    assert_string_equal(excerpt("grace_ms", 8).text, "grace_ms");
    assert_string_equal(excerpt("a\0\x1b[2J\xff", 7).text, "a??[2J?");
    memset(bytes, 'x', sizeof(bytes));
    struct excerpt cut = excerpt(bytes, sizeof(bytes));
    assert_int_equal(strlen(cut.text), sizeof(cut.text) - 1);
    assert_string_equal(cut.text + strlen(cut.text) - 4, "x...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_complaint_names_file_and_line),
        cmocka_unit_test(a_complaint_is_cut_where_its_buffer_ends),
        cmocka_unit_test(an_excerpt_is_printable_and_short),
    };
    return cmocka_run_group_tests_name("unit/conf/complaint", tests, NULL, NULL);
}
