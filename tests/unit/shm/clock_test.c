/* SPDX-License-Identifier: MIT */
/* The clock of a machine that refuses some of them; time namespaces are in integration/time_namespace. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/clock.h"

enum {
    SLACK_MS = 60000 /* for a machine that is busy */
};

static clockid_t refused[2] = {-1, -1};
static time_t ahead; /* seconds, as in a time namespace */

/* In place of libc's, for the library under test. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
    if (clock == refused[0] || clock == refused[1]) {
        errno = EINVAL;
        return -1;
    }
    int code = (int)syscall(SYS_clock_gettime, clock, now);
    if (clock == CLOCK_BOOTTIME)
        now->tv_sec += ahead;
    return code;
}

/* As after a fork into another time namespace. */
static void jump(time_t seconds)
{
    clock_prepare();
    ahead += seconds;
    clock_child();
}

static int all_clocks(void **state)
{
    (void)state;
    refused[0] = refused[1] = -1;
    jump(-ahead - 3600);
    jump(3600);
    return 0;
}

static void ticks_are_the_time_since_boot_and_origin(void **state)
{
    (void)state;
    struct timespec now;
    uint64_t tick = clock_tick() - TICK_ORIGIN;
    assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &now), 0);
    assert_true(clock_tick() - TICK_ORIGIN >= tick);
    /* Outside of time namespaces. In one they differ by its shift. */
    if (clock_is_shared() && tick <= (uint64_t)now.tv_sec * 1000 + 1000)
        assert_in_range((uint64_t)now.tv_sec * 1000 + 1000 - tick, 0, SLACK_MS);
}

static void a_tick_leaves_errno_as_it_was(void **state)
{
    (void)state;
    jump(100);
    errno = EXDEV;
    clock_tick();
    assert_int_equal(errno, EXDEV);
}

static void without_a_boot_time_clock_ticks_pass_and_are_not_compared(void **state)
{
    (void)state;
    refused[0] = CLOCK_BOOTTIME;
    uint64_t tick = clock_tick();
    assert_false(clock_is_shared());
    usleep(20000);
    assert_in_range(clock_tick(), tick + 10, tick + SLACK_MS);
}

static void without_any_clock_ticks_pass_in_seconds(void **state)
{
    (void)state;
    refused[0] = CLOCK_BOOTTIME, refused[1] = CLOCK_MONOTONIC;
    uint64_t tick = clock_tick();
    for (int i = 0; i < 300 && clock_tick() == tick; i++)
        usleep(10000);
    assert_true(clock_tick() > tick);
}

static void without_a_calendar_the_date_comes_from_elsewhere(void **state)
{
    (void)state;
    refused[0] = CLOCK_REALTIME;
    uint64_t date = (uint64_t)time(NULL) * 1000;
    assert_in_range(clock_unix_ms(), date, date + SLACK_MS);
}

static void need_time_namespaces(void)
{
    if (access("/proc/self/timens_offsets", R_OK) != 0)
        skip();
    clock_tick();
    assert_true(clock_is_shared());
}

/* A child that cannot read /proc. */
static bool child_knows_shift(time_t seconds)
{
    int status = 0;
    char root[] = "/tmp/larshm-root-XXXXXX";
    assert_non_null(mkdtemp(root));
    clock_prepare();
    pid_t child = fork();
    if (child == 0) {
        if (chroot(root) != 0 || chdir("/") != 0)
            _exit(77);
        ahead += seconds;
        clock_child();
        clock_tick();
        _exit(clock_is_shared() ? 1 : 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(rmdir(root), 0);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip();
    return WEXITSTATUS(status) == 1;
}

static void a_child_whose_clock_goes_on_keeps_the_shift_and_one_whose_clock_jumps_does_not(void **state)
{
    (void)state;
    need_time_namespaces();
    assert_true(child_knows_shift(0));
    assert_false(child_knows_shift(100000));
    assert_false(child_knows_shift(-50));
}

static void a_child_whose_clock_jumps_learns_the_shift(void **state)
{
    (void)state;
    need_time_namespaces();
    uint64_t tick = clock_tick();
    jump(500); /* of which this machine's /proc says nothing */
    assert_in_range(clock_tick(), tick + 500000, tick + 500000 + SLACK_MS);
    assert_true(clock_is_shared());
}

static void a_child_of_a_parent_without_shift_learns_it(void **state)
{
    (void)state;
    need_time_namespaces();
    refused[0] = CLOCK_BOOTTIME;
    clock_tick();
    assert_false(clock_is_shared());
    refused[0] = -1;
    jump(0);
    clock_tick();
    assert_true(clock_is_shared());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(ticks_are_the_time_since_boot_and_origin, all_clocks),
        cmocka_unit_test_setup(a_tick_leaves_errno_as_it_was, all_clocks),
        cmocka_unit_test_setup(without_a_boot_time_clock_ticks_pass_and_are_not_compared, all_clocks),
        cmocka_unit_test_setup(without_any_clock_ticks_pass_in_seconds, all_clocks),
        cmocka_unit_test_setup(without_a_calendar_the_date_comes_from_elsewhere, all_clocks),
        cmocka_unit_test_setup(a_child_whose_clock_goes_on_keeps_the_shift_and_one_whose_clock_jumps_does_not,
                               all_clocks),
        cmocka_unit_test_setup(a_child_whose_clock_jumps_learns_the_shift, all_clocks),
        cmocka_unit_test_setup(a_child_of_a_parent_without_shift_learns_it, all_clocks),
    };
    return cmocka_run_group_tests_name("unit/shm/clock", tests, NULL, NULL);
}
