/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf/descriptors.h"

/* The lowest that is free. */
static int next_descriptor(void)
{
    int fd = fcntl(STDIN_FILENO, F_DUPFD, 0);
    close(fd);
    return fd;
}

static void too_few_descriptors_are_told_from_enough_and_none_is_kept(void **state)
{
    (void)state;
    struct rlimit before, few;
    int next = next_descriptor();
    assert_true(descriptors_for_loop());
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = (struct rlimit){(rlim_t)next + 4, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    assert_false(descriptors_for_loop());
    assert_int_equal(errno, EMFILE);
    assert_int_equal(next_descriptor(), next);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(too_few_descriptors_are_told_from_enough_and_none_is_kept),
    };
    return cmocka_run_group_tests_name("unit/conf/descriptors", tests, NULL, NULL);
}
