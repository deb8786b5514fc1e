/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/larshm/textfile.h"

static char directory[] = "/tmp/textfile-XXXXXX";
static char path[64];

static void assert_content(const char *expected)
{
    char found[64] = "";
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fread(found, 1, sizeof(found) - 1, file), strlen(expected));
    fclose(file);
    assert_string_equal(found, expected);
}

/* The file, and nothing that was left beside it. */
static void assert_alone(void)
{
    int count = 0;
    DIR *listed = opendir(directory);
    assert_non_null(listed);
    while (readdir(listed))
        count++;
    closedir(listed);
    assert_int_equal(count, 3); /* with . and .. */
}

static void a_file_is_replaced_and_all_may_read_it(void **state)
{
    struct stat st;
    (void)state;
    umask(077);
    assert_true(textfile_write(path, "one", 3));
    assert_content("one");
    assert_true(textfile_write(path, "two", 3));
    assert_content("two");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode, S_IFREG | 0644);
    assert_alone();
}

static void what_cannot_be_written_leaves_the_file_as_it_was(void **state)
{
    struct rlimit old, none = {0, RLIM_INFINITY};
    (void)state;
    assert_true(textfile_write(path, "one", 3));
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    none.rlim_max = old.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    bool written = textfile_write(path, "two", 3);
    int error = errno;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_false(written);
    assert_int_equal(error, EFBIG);
    assert_content("one");
    assert_alone();
}

static void a_directory_that_does_not_exist_is_an_error(void **state)
{
    (void)state;
    assert_false(textfile_write("/nowhere/at/all.prom", "one", 3));
    assert_int_equal(errno, ENOENT);
}

static void a_link_is_not_replaced(void **state)
{
    struct stat st;
    (void)state;
    unlink(path);
    assert_int_equal(symlink("/dev/null", path), 0);
    assert_false(textfile_write(path, "one", 3));
    assert_int_equal(errno, EEXIST);
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_alone();
}

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof(path), "%s/larshm.prom", directory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_replaced_and_all_may_read_it),
        cmocka_unit_test(what_cannot_be_written_leaves_the_file_as_it_was),
        cmocka_unit_test(a_link_is_not_replaced),
        cmocka_unit_test(a_directory_that_does_not_exist_is_an_error),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
