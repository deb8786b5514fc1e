/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "conf/suggest.h"

static const char *const names[] = {"max_bytes", "grace_ms", "group"};

static void expect(const char *word, const char *expected)
{
    char text[128];
    suggest(word, strlen(word), names, 3, text, sizeof(text));
    assert_string_equal(text, expected);
}

static void a_misspelt_name_is_answered_with_the_nearest_one(void **state)
{
    (void)state;
    expect("max_byte", "did you mean max_bytes?");
    expect("MAX_BYTES", "did you mean max_bytes?");
    expect("gracems", "did you mean grace_ms?");
    expect("grup", "did you mean group?");
}

static void a_word_that_is_near_to_none_is_answered_with_all(void **state)
{
    static char longest[5000];
    (void)state;
    expect("", "known are max_bytes, grace_ms, group");
    expect("colour", "known are max_bytes, grace_ms, group");
    memset(longest, 'g', sizeof(longest) - 1);
    expect(longest, "known are max_bytes, grace_ms, group");
}

static void the_text_never_overflows(void **state)
{
    (void)state;
    for (size_t size = 1; size < 40; size++) {
        char text[64];
        memset(text, '#', sizeof(text));
        suggest("colour", 6, names, 3, text, size);
        assert_true(strlen(text) < size);
        assert_int_equal(text[size], '#');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_misspelt_name_is_answered_with_the_nearest_one),
        cmocka_unit_test(a_word_that_is_near_to_none_is_answered_with_all),
        cmocka_unit_test(the_text_never_overflows),
    };
    return cmocka_run_group_tests_name("unit/conf/suggest", tests, NULL, NULL);
}
