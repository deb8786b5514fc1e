/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <sys/stat.h>

#include "tests/unit/conf/scratch.h"

static void expect_text_refused(const char *text, const char *expected)
{
    scratch_write(text, strlen(text));
    scratch_expect_refused(scratch_path, expected);
}

static void file_that_cannot_be_read_is_named(void **state)
{
    (void)state;
    unlink(scratch_path);
    scratch_expect_refused(scratch_path,
                           ": cannot be opened: No such file or directory: check the name and its "
                           "permissions, or start without -c");
    scratch_expect_refused("", ": cannot be opened: No such file or directory: check the name and its "
                               "permissions, or start without -c");
    scratch_expect_refused(scratch_directory, ": is a directory: name the file in it");
    scratch_expect_refused("/dev/null", ": is not a regular file: copy the configuration into one");
}

static void pipe_without_a_writer_does_not_hold_the_start_up(void **state)
{
    (void)state;
    unlink(scratch_path);
    assert_int_equal(mkfifo(scratch_path, 0600), 0);
    scratch_expect_refused(scratch_path, ": is not a regular file: copy the configuration into one");
    unlink(scratch_path);
}

static void file_without_read_permission_is_named(void **state)
{
    (void)state;
    const uid_t nobody = 65534;
    bool root = geteuid() == 0;
    scratch_write("[shm]\n", 6);
    assert_int_equal(chmod(scratch_path, 0), 0);
    assert_int_equal(chmod(scratch_directory, 0755), 0);
    if (root)
        assert_int_equal(seteuid(nobody), 0);
    char error[CONFIG_ERROR_SIZE] = "";
    struct config config;
    int result = config_load(scratch_path, &config, error, sizeof(error));
    if (root)
        assert_int_equal(seteuid(0), 0);
    unlink(scratch_path);
    assert_int_equal(result, -1);
    assert_non_null(strstr(error, "test.conf: cannot be opened: Permission denied"));
}

static void empty_file_is_refused(void **state)
{
    (void)state;
    expect_text_refused("", ": is empty: to run on defaults, start without -c");
    expect_text_refused("\xEF\xBB\xBF", ": is empty: to run on defaults, start without -c");
}

static void file_of_comments_gives_the_defaults(void **state)
{
    (void)state;
    struct config config, defaults;
    assert_int_equal(config_load(NULL, &defaults, NULL, 0), 0);
    static const char text[] = "\n# a comment \\\n   ; another \xff\xfe = [x]\n\t\n[shm]\n;max_bytes = 1\n";
    scratch_write(text, strlen(text));
    scratch_expect_loaded(&config);
    assert_int_equal(config.shm.max_bytes, defaults.shm.max_bytes);
    assert_int_equal(config.fetcher.poll_interval_ms, defaults.fetcher.poll_interval_ms);
}

static void nul_bytes_are_refused_with_their_line(void **state)
{
    (void)state;
    static const char in_comment[] = "[shm]\n# a\0b\n";
    static const char in_value[] = "[shm]\n\ngrace_ms = 5\0000\n";
    static const char utf16[] = "\xff\xfe[\0s\0h\0m\0]\0\n\0";
    scratch_write(in_comment, sizeof(in_comment) - 1);
    scratch_expect_refused(scratch_path, ":2: a NUL byte: the file must be plain text");
    scratch_write(in_value, sizeof(in_value) - 1);
    scratch_expect_refused(scratch_path, ":3: a NUL byte: the file must be plain text");
    scratch_write(utf16, sizeof(utf16) - 1);
    scratch_expect_refused(scratch_path, ":1: a NUL byte: the file must be plain text");
}

static void garbage_is_refused_with_its_line(void **state)
{
    (void)state;
    expect_text_refused("\x7f"
                        "ELF\x02\x01\xff\n",
                        ":1: \"?ELF???\" is no [section], key = value or # comment");
    expect_text_refused("[shm]\ngrace_ms\n", ":2: \"grace_ms\" is no [section], key = value or # comment");
    expect_text_refused("[shm]\ngrace_ms: 5\n",
                        ":2: \"grace_ms: 5\" is no [section], key = value or # comment");
    expect_text_refused("[shm]\n=\n",
                        ":2: unknown key \"\" in [shm]: known are max_bytes, grace_ms, max_unknown, "
                        "group");
    expect_text_refused("[shm\n", ":1: a section must be written as [name] on a line of its own");
    expect_text_refused("[shm] x\n", ":1: a section must be written as [name] on a line of its own");
    expect_text_refused("[shm] grace_ms = 1\n",
                        ":1: a section must be written as [name] on a line of its own");
}

static void lines_and_files_are_bounded(void **state)
{
    (void)state;
    const size_t size = 1 << 20;
    char *text = malloc(size + 1);
    assert_non_null(text);
    memset(text, '#', size + 1);
    scratch_write(text, 1000);
    struct config config;
    scratch_expect_loaded(&config);
    scratch_write(text, 1001);
    scratch_expect_refused(scratch_path, ":1: longer than 1000 bytes: shorten the line");
    memcpy(text, "[shm]\n\n", 7);
    scratch_write(text, size);
    scratch_expect_refused(scratch_path, ":3: longer than 1000 bytes: shorten the line");
    scratch_write(text, size + 1);
    scratch_expect_refused(scratch_path, ": is larger than 1048576 bytes: is it a configuration file?");
    memset(text, '\n', size);
    scratch_write(text, size);
    scratch_expect_loaded(&config);
    free(text);
}

static void longest_line_keeps_its_value(void **state)
{
    (void)state;
    char text[1100];
    int length = snprintf(text, sizeof(text), "[shm]\ngrace_ms%*s", 1000 - (int)strlen("grace_ms"), "= 777");
    struct config config;
    scratch_write(text, (size_t)length);
    scratch_expect_loaded(&config);
    assert_int_equal(config.shm.grace_ms, 777);
}

static void windows_line_ends_and_byte_order_mark_load(void **state)
{
    (void)state;
    static const char text[] =
        "\xEF\xBB\xBF[dnsserver]\r\nip = dns.example\r\n\r\n# c\r\n[shm]\r\ngroup =\r\n"
        "max_bytes = 2M";
    struct config config;
    scratch_write(text, strlen(text));
    scratch_expect_loaded(&config);
    assert_string_equal(config.dnsserver.ip, "dns.example");
    assert_string_equal(config.shm.group, "");
    assert_int_equal(config.shm.max_bytes, 2 << 20);
    expect_text_refused("# old\r[shm]\rgrace_ms = 5\r",
                        ":1: a carriage return inside the line: lines must end in LF or CRLF");
    expect_text_refused("[shm]\n\xEF\xBB\xBFgrace_ms = 5\n",
                        ":2: unknown key \"???grace_ms\" in [shm]: did you mean grace_ms?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_that_cannot_be_read_is_named),
        cmocka_unit_test(pipe_without_a_writer_does_not_hold_the_start_up),
        cmocka_unit_test(file_without_read_permission_is_named),
        cmocka_unit_test(empty_file_is_refused),
        cmocka_unit_test(file_of_comments_gives_the_defaults),
        cmocka_unit_test(nul_bytes_are_refused_with_their_line),
        cmocka_unit_test(garbage_is_refused_with_its_line),
        cmocka_unit_test(lines_and_files_are_bounded),
        cmocka_unit_test(longest_line_keeps_its_value),
        cmocka_unit_test(windows_line_ends_and_byte_order_mark_load),
    };
    return cmocka_run_group_tests_name("conf/file", tests, scratch_setup, scratch_teardown);
}
