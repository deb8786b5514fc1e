/* SPDX-License-Identifier: MIT */
/* The clock of a machine that refuses some of them; time namespaces are in integration/time_namespace. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/clock.h"

enum {
    SLACK_MS = 60000 /* for a machine that is busy */
};

static clockid_t refused[2] = {-1, -1};

/* In place of libc's, for the library under test. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
    if (clock == refused[0] || clock == refused[1]) {
        errno = EINVAL;
        return -1;
    }
    return (int)syscall(SYS_clock_gettime, clock, now);
}

static int all_clocks(void **state)
{
    (void)state;
    refused[0] = refused[1] = -1;
    clock_forget();
    return 0;
}

static void ticks_are_the_time_since_boot(void **state)
{
    (void)state;
    struct timespec now;
    uint64_t tick = clock_tick();
    assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &now), 0);
    assert_true(clock_tick() >= tick);
    /* Outside of time namespaces. In one they differ by its shift. */
    if (clock_is_shared() && tick <= (uint64_t)now.tv_sec * 1000 + 1000)
        assert_in_range((uint64_t)now.tv_sec * 1000 + 1000 - tick, 0, SLACK_MS);
}

static void a_tick_leaves_errno_as_it_was(void **state)
{
    (void)state;
    errno = EXDEV;
    clock_forget();
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(ticks_are_the_time_since_boot, all_clocks),
        cmocka_unit_test_setup(a_tick_leaves_errno_as_it_was, all_clocks),
        cmocka_unit_test_setup(without_a_boot_time_clock_ticks_pass_and_are_not_compared, all_clocks),
        cmocka_unit_test_setup(without_any_clock_ticks_pass_in_seconds, all_clocks),
        cmocka_unit_test_setup(without_a_calendar_the_date_comes_from_elsewhere, all_clocks),
    };
    return cmocka_run_group_tests_name("unit/shm/clock", tests, NULL, NULL);
}
