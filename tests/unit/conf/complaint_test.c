/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "conf/complaint.h"

/* The line of that index. */
static const char *shown(const struct complaints *complaints, size_t index)
{
    static char line[64];
    return complaint_line(complaints, index, line, sizeof(line)) ? line : NULL;
}

static struct complaints found;

static void complaints_name_file_and_line_and_stand_in_the_order_of_lines(void **state)
{
    (void)state;
    found = (struct complaints){.path = "my.conf"};
    assert_null(shown(&found, 0));
    assert_int_equal(complain(&found, 3, "%s is %d", "x", 5), -1);
    assert_int_equal(complain(&found, 2, "a"), -1);
    assert_int_equal(complain(&found, 3, "b"), -1);
    assert_int_equal(complain(&found, 0, "is empty"), -1);
    assert_string_equal(shown(&found, 0), "my.conf: is empty");
    assert_string_equal(shown(&found, 1), "my.conf:2: a");
    assert_string_equal(shown(&found, 2), "my.conf:3: x is 5");
    assert_string_equal(shown(&found, 3), "my.conf:3: b");
    assert_null(shown(&found, 4));
}

static void of_very_many_complaints_the_first_lines_and_the_number_of_others_are_kept(void **state)
{
    (void)state;
    found = (struct complaints){.path = "my.conf"};
    for (unsigned line = COMPLAINTS_MAX + 7; line > 0; line--)
        complain(&found, line, "x");
    complain(&found, 500, "last");
    assert_string_equal(shown(&found, 0), "my.conf:1: x");
    assert_string_equal(shown(&found, COMPLAINTS_MAX - 1), "my.conf:100: x");
    assert_string_equal(shown(&found, COMPLAINTS_MAX), "my.conf: 8 more mistakes");
    assert_null(shown(&found, COMPLAINTS_MAX + 1));
}

static void a_complaint_is_cut_where_its_place_and_its_buffer_end(void **state)
{
    (void)state;
    char text[2 * COMPLAINT_SIZE];
    memset(text, 'x', sizeof(text));
    found = (struct complaints){.path = "my.conf"};
    complain(&found, 12, "%.*s", (int)sizeof(text), text);
    assert_int_equal(strlen(found.list[0].text), COMPLAINT_SIZE - 1);
    for (size_t size = 1; size < 40; size++) {
        memset(text, '#', sizeof(text));
        assert_true(complaint_line(&found, 0, text, size));
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
        cmocka_unit_test(complaints_name_file_and_line_and_stand_in_the_order_of_lines),
        cmocka_unit_test(of_very_many_complaints_the_first_lines_and_the_number_of_others_are_kept),
        cmocka_unit_test(a_complaint_is_cut_where_its_place_and_its_buffer_end),
        cmocka_unit_test(an_excerpt_is_printable_and_short),
    };
    return cmocka_run_group_tests_name("unit/conf/complaint", tests, NULL, NULL);
}
