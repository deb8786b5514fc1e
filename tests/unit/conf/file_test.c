/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <sys/stat.h>

#include "tests/support/scratch_conf.h"

static void file_that_cannot_be_read_is_named(void **state)
{
    (void)state;
    unlink(scratch_path);
    static const char missing[] =
        ": cannot be opened: No such file or directory: check the name and its permissions";
    scratch_expect_refused(scratch_path, missing);
    scratch_expect_refused("", missing);
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
    const uid_t other_user = 65534;
    bool root = geteuid() == 0;
    scratch_write("[shm]\n", 6);
    assert_int_equal(chmod(scratch_path, 0), 0);
    assert_int_equal(chmod(scratch_directory, 0755), 0);
    if (root)
        assert_int_equal(seteuid(other_user), 0);
    static struct complaints found;
    struct scan where;
    struct config config;
    int result = config_load(scratch_path, &config, &where, &found);
    if (root)
        assert_int_equal(seteuid(0), 0);
    unlink(scratch_path);
    assert_int_equal(result, -1);
    assert_non_null(strstr(found.list[0].text, "cannot be opened: Permission denied"));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_that_cannot_be_read_is_named),
        cmocka_unit_test(pipe_without_a_writer_does_not_hold_the_start_up),
        cmocka_unit_test(file_without_read_permission_is_named),
        cmocka_unit_test(lines_and_files_are_bounded),
    };
    return cmocka_run_group_tests_name("unit/conf/file", tests, scratch_setup, scratch_teardown);
}
