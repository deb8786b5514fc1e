/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf/start.h"

/* In a child: with the streams of `mask` closed, none is missing afterwards, and those that were open are the same. */
static int streams_after_closing(unsigned mask)
{
    struct stat null, before[3], after;
    if (stat("/dev/null", &null) != 0)
        return 1;
    for (int fd = 0; fd < 3; fd++) {
        fstat(fd, &before[fd]);
        if (mask & 1U << fd)
            close(fd);
    }
    start_prepare();
    for (int fd = 0; fd < 3; fd++) {
        const struct stat *expected = mask & 1U << fd ? &null : &before[fd];
        if (fstat(fd, &after) != 0 || after.st_ino != expected->st_ino || after.st_dev != expected->st_dev)
            return 2;
    }
    return open("/dev/zero", O_RDONLY) > 2 ? 0 : 3;
}

static int status_of_child(int (*run)(unsigned), unsigned argument)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(run(argument));
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void streams_that_are_closed_lead_nowhere(void **state)
{
    (void)state;
    for (unsigned mask = 0; mask < 8; mask++)
        assert_int_equal(status_of_child(streams_after_closing, mask), 0);
}

/* In a child, as above: what is read from, or written into, a stream that was closed fails; log lines do not. */
static int use_of_closed(unsigned mask)
{
    char byte;
    for (int fd = 0; fd < 3; fd++)
        if (mask & 1U << fd)
            close(fd);
    start_prepare();
    if (mask & 1U && (read(STDIN_FILENO, &byte, 1) >= 0 || errno != EBADF))
        return 1;
    if (mask & 2U && (write(STDOUT_FILENO, "x", 1) >= 0 || errno != EBADF))
        return 2;
    return mask & 4U && write(STDERR_FILENO, "x", 1) != 1 ? 3 : 0;
}

static void streams_that_are_closed_fail_where_they_are_used(void **state)
{
    (void)state;
    for (unsigned mask = 0; mask < 8; mask++)
        assert_int_equal(status_of_child(use_of_closed, mask), 0);
}

/* In a child: prints `bytes`, and ends as a program does. */
static int print_to_full(unsigned bytes)
{
    if (!freopen("/dev/full", "w", stdout) || !freopen("/dev/null", "w", stderr))
        return 2;
    start_prepare();
    while (bytes-- > 0)
        putchar('x');
    exit(0);
}

static void what_stdout_does_not_take_makes_the_program_fail(void **state)
{
    (void)state;
    assert_int_equal(status_of_child(print_to_full, 0), 0);
    assert_int_equal(WEXITSTATUS(status_of_child(print_to_full, 1)), EXIT_FAILURE);
    assert_int_equal(WEXITSTATUS(status_of_child(print_to_full, 100000)), EXIT_FAILURE);
}

/* As print_to_full(), with a log that has the reason. */
static void assert_full_is_named(unsigned bytes)
{
    char log[256] = "";
    FILE *file = tmpfile();
    assert_non_null(file);
    pid_t child = fork();
    if (child == 0) {
        if (!freopen("/dev/full", "w", stdout) || dup2(fileno(file), STDERR_FILENO) < 0)
            _exit(2);
        start_prepare();
        setvbuf(stdout, NULL, _IOFBF, 4096);
        while (bytes-- > 0)
            putchar('x');
        exit(0);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(pread(fileno(file), log, sizeof(log) - 1, 0) > 0);
    assert_non_null(strstr(log, strerror(ENOSPC)));
    fclose(file);
}

/* stdio has tried to write all of it already, some of it, or nothing. */
static void why_stdout_takes_nothing_is_said_whenever_it_failed(void **state)
{
    (void)state;
    for (unsigned bytes = 4096 - 1; bytes <= 4096 + 2; bytes++)
        assert_full_is_named(bytes);
    assert_full_is_named(1);
}

static int write_beyond_limit(unsigned bytes)
{
    const struct rlimit limit = {bytes, bytes};
    char path[] = "/tmp/larshm-start-XXXXXX";
    int fd = mkstemp(path);
    unlink(path);
    start_prepare();
    return setrlimit(RLIMIT_FSIZE, &limit) == 0 && pwrite(fd, "x", 1, (off_t)bytes) < 0 && errno == EFBIG ? 0
                                                                                                          : 1;
}

static void a_file_beyond_its_limit_is_an_error_and_no_death(void **state)
{
    (void)state;
    assert_int_equal(status_of_child(write_beyond_limit, 100), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_that_are_closed_lead_nowhere),
        cmocka_unit_test(streams_that_are_closed_fail_where_they_are_used),
        cmocka_unit_test(what_stdout_does_not_take_makes_the_program_fail),
        cmocka_unit_test(why_stdout_takes_nothing_is_said_whenever_it_failed),
        cmocka_unit_test(a_file_beyond_its_limit_is_an_error_and_no_death),
    };
    return cmocka_run_group_tests_name("unit/conf/start", tests, NULL, NULL);
}
