/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf/log.h"

/* What has been logged, with stderr in a file meanwhile. */
struct capture {
    FILE *file;
    int saved;
    char text[4096];
};

static void capture_begin(struct capture *capture)
{
    capture->file = tmpfile();
    assert_non_null(capture->file);
    capture->saved = dup(STDERR_FILENO);
    dup2(fileno(capture->file), STDERR_FILENO);
}

static void capture_end(struct capture *capture)
{
    dup2(capture->saved, STDERR_FILENO);
    close(capture->saved);
    rewind(capture->file);
    capture->text[fread(capture->text, 1, sizeof(capture->text) - 1, capture->file)] = '\0';
    fclose(capture->file);
}

static void expect_line(const struct capture *capture, const char *priority, const char *text)
{
    char line[256];
    snprintf(line, sizeof(line), "%s%s: %s\n", priority, program_invocation_short_name, text);
    assert_string_equal(capture->text, line);
}

static void a_line_has_the_name_of_its_program(void **state)
{
    (void)state;
    struct capture capture = {0};
    capture_begin(&capture);
    log_line(LOG_LEVEL_ERROR, "%d of %s", 1, "2");
    capture_end(&capture);
    expect_line(&capture, "", "1 of 2");
}

static void only_the_journal_gets_priorities(void **state)
{
    (void)state;
    struct capture capture = {0};
    struct stat st;
    char stream[64];
    setenv("JOURNAL_STREAM", "1:1", 1); /* inherited: stderr goes elsewhere */
    capture_begin(&capture);
    log_line(LOG_LEVEL_WARNING, "text");
    capture_end(&capture);
    expect_line(&capture, "", "text");
    capture_begin(&capture);
    assert_int_equal(fstat(STDERR_FILENO, &st), 0);
    snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_line(LOG_LEVEL_WARNING, "text");
    capture_end(&capture);
    unsetenv("JOURNAL_STREAM");
    expect_line(&capture, "<4>", "text");
}

static void lines_of_a_daemon_have_time_and_level_where_no_journal_adds_them(void **state)
{
    (void)state;
    struct capture capture = {0};
    time_t before = time(NULL);
    capture_begin(&capture);
    log_daemon();
    log_line(LOG_LEVEL_ERROR, "text");
    log_line(LOG_LEVEL_INFO, "more");
    capture_end(&capture);
    static const char *const words[] = {"error", "info"};
    char *at = capture.text;
    for (int i = 0; i < 2; i++) {
        struct tm utc = {0};
        char rest[64];
        char *milliseconds = strptime(at, "%Y-%m-%dT%H:%M:%S", &utc);
        assert_non_null(milliseconds);
        assert_in_range(timegm(&utc), before, time(NULL));
        assert_int_equal(strspn(milliseconds, ".0123456789"), 4);
        snprintf(rest, sizeof(rest), "Z %s %s: %s\n", words[i], program_invocation_short_name,
                 i ? "more" : "text");
        assert_memory_equal(milliseconds + 4, rest, strlen(rest));
        at = milliseconds + 4 + strlen(rest);
    }
    assert_string_equal(at, "");
}

static void a_pipe_that_nothing_reads_costs_lines_that_are_counted(void **state)
{
    char text[128 * 1024];
    int ends[2], saved = dup(STDERR_FILENO);
    (void)state;
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    alarm(20);
    for (int i = 0; i < 10000; i++)
        log_line(LOG_LEVEL_ERROR, "line %d", i);
    assert_true(read(ends[0], text, sizeof(text)) > 0);
    log_line(LOG_LEVEL_ERROR, "heard again");
    dup2(saved, STDERR_FILENO);
    close(ends[1]);
    ssize_t size = read(ends[0], text, sizeof(text) - 1);
    assert_true(size > 0);
    text[size] = '\0';
    assert_non_null(strstr(text, "lines were lost: stderr took no more\n"));
    assert_non_null(strstr(text, "heard again\n"));
    alarm(0);
    close(ends[0]);
    close(saved);
}

static void lines_above_the_level_are_not_written(void **state)
{
    (void)state;
    struct capture capture = {0};
    struct log_limit limit = {0};
    capture_begin(&capture);
    log_set_level(LOG_LEVEL_WARNING);
    log_line(LOG_LEVEL_INFO, "too much");
    log_limited(&limit, LOG_LEVEL_DEBUG, "far too much");
    log_line(LOG_LEVEL_WARNING, "enough");
    log_set_level(LOG_LEVEL_INFO);
    capture_end(&capture);
    expect_line(&capture, "", "enough");
}

static void a_limit_says_how_much_it_has_suppressed(void **state)
{
    (void)state;
    struct capture capture = {0};
    struct log_limit limit = {.next = UINT64_MAX};
    capture_begin(&capture);
    for (int i = 0; i < 3; i++)
        log_limited(&limit, LOG_LEVEL_INFO, "suppressed");
    limit.next = 0; /* the second is over */
    log_limited(&limit, LOG_LEVEL_INFO, "written");
    capture_end(&capture);
    expect_line(&capture, "", "written (3 more of this kind suppressed)");
    assert_true(limit.next > 0);
}

static void a_limit_with_a_burst_writes_so_many_lines_at_once_and_says_how_many_more_there_were(void **state)
{
    (void)state;
    struct capture capture = {0};
    struct log_limit limit = {.burst = 3};
    capture_begin(&capture);
    for (int i = 0; i < 8; i++)
        log_limited(&limit, LOG_LEVEL_INFO, i < 3 ? "said" : "not said");
    log_limit_flush(&limit, LOG_LEVEL_INFO, "things"); /* the limit does not allow it yet */
    limit.next = 0;
    log_limit_flush(&limit, LOG_LEVEL_INFO, "things");
    log_limit_flush(&limit, LOG_LEVEL_INFO, "things"); /* there are none */
    capture_end(&capture);
    assert_non_null(strstr(capture.text, "said\n"));
    assert_null(strstr(capture.text, "not said"));
    const char *last = strstr(capture.text, ": 5 more things\n");
    assert_non_null(last);
    assert_string_equal(last, ": 5 more things\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_the_name_of_its_program),
        cmocka_unit_test(only_the_journal_gets_priorities),
        cmocka_unit_test(a_pipe_that_nothing_reads_costs_lines_that_are_counted),
        cmocka_unit_test(lines_above_the_level_are_not_written),
        cmocka_unit_test(a_limit_says_how_much_it_has_suppressed),
        cmocka_unit_test(a_limit_with_a_burst_writes_so_many_lines_at_once_and_says_how_many_more_there_were),
        cmocka_unit_test(lines_of_a_daemon_have_time_and_level_where_no_journal_adds_them),
    };
    return cmocka_run_group_tests_name("unit/conf/log", tests, NULL, NULL);
}
