/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fetcher/patience.h"

enum {
    TIMEOUT_MS = 1000,
    PROBE_MS = 5000,
    PATIENCE_MS = 60000,
    SENT = 1000000,
};

static const char *judge(uint64_t heard, uint64_t answer, enum patience patience, uint64_t now)
{
    const struct waiting waiting = {.oldest = SENT, .heard = heard, .answer = answer};
    return patience_over(&waiting, TIMEOUT_MS, PROBE_MS, patience, now);
}

static void only_directory_is_left_after_a_minute_of_silence(void **state)
{
    (void)state;
    assert_null(judge(SENT, SENT, PATIENCE_LONG, SENT + PATIENCE_MS));
    assert_string_equal(judge(SENT, SENT, PATIENCE_LONG, SENT + PATIENCE_MS + 1), "no response");
}

static void directory_that_delivers_anything_is_not_left(void **state)
{
    (void)state;
    for (uint64_t now = SENT; now < SENT + 100 * PATIENCE_MS; now += PATIENCE_MS / 2)
        assert_null(judge(now, now, PATIENCE_LONG, now + PATIENCE_MS));
}

static void silence_before_a_request_does_not_count(void **state)
{
    (void)state;
    assert_null(judge(0, 0, PATIENCE_LONG, SENT + PATIENCE_MS));
    assert_null(judge(0, 0, PATIENCE_SHORT, SENT + TIMEOUT_MS));
}

static void directory_that_pushes_and_does_not_answer_for_a_minute_is_left(void **state)
{
    (void)state;
    assert_null(judge(SENT + PATIENCE_MS, SENT, PATIENCE_LONG, SENT + PATIENCE_MS));
    assert_string_equal(judge(SENT + PATIENCE_MS, SENT, PATIENCE_LONG, SENT + PATIENCE_MS + 1),
                        "requests are not answered");
}

static void silent_directory_is_left_within_the_time_out_where_another_may_answer(void **state)
{
    (void)state;
    assert_null(judge(SENT, SENT, PATIENCE_SHORT, SENT + TIMEOUT_MS));
    assert_string_equal(judge(SENT, SENT, PATIENCE_SHORT, SENT + TIMEOUT_MS + 1), "no response");
    assert_null(judge(SENT + TIMEOUT_MS, SENT, PATIENCE_SHORT, SENT + TIMEOUT_MS + 1));
}

static void
directory_that_sends_and_answers_nothing_is_left_after_a_probe_where_another_may_answer(void **state)
{
    const uint64_t probe = TIMEOUT_MS + PROBE_MS;
    (void)state;
    assert_null(judge(SENT + probe, SENT, PATIENCE_SHORT, SENT + probe));
    assert_string_equal(judge(SENT + probe, SENT, PATIENCE_SHORT, SENT + probe + 1),
                        "requests are not answered");
    assert_null(judge(SENT + probe, SENT + 1, PATIENCE_SHORT, SENT + probe + 1));
}

static void server_that_was_just_changed_to_is_left_after_a_probe_where_another_may_answer(void **state)
{
    const uint64_t probe = TIMEOUT_MS + PROBE_MS;
    (void)state;
    assert_null(judge(SENT, SENT, PATIENCE_MEDIUM, SENT + probe));
    assert_string_equal(judge(SENT, SENT, PATIENCE_MEDIUM, SENT + probe + 1), "no response");
    assert_null(judge(SENT + probe, SENT, PATIENCE_MEDIUM, SENT + probe));
    assert_string_equal(judge(SENT + probe, SENT, PATIENCE_MEDIUM, SENT + probe + 1),
                        "requests are not answered");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_directory_is_left_after_a_minute_of_silence),
        cmocka_unit_test(directory_that_delivers_anything_is_not_left),
        cmocka_unit_test(silence_before_a_request_does_not_count),
        cmocka_unit_test(directory_that_pushes_and_does_not_answer_for_a_minute_is_left),
        cmocka_unit_test(silent_directory_is_left_within_the_time_out_where_another_may_answer),
        cmocka_unit_test(
            directory_that_sends_and_answers_nothing_is_left_after_a_probe_where_another_may_answer),
        cmocka_unit_test(server_that_was_just_changed_to_is_left_after_a_probe_where_another_may_answer),
    };
    return cmocka_run_group_tests_name("unit/fetcher/patience", tests, NULL, NULL);
}
