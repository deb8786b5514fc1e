/* SPDX-License-Identifier: MIT */
/*
 * System calls that fail in a real fetcher, those of its libraries too, made to by strace. The directory's connection
 * may be lost for it and made again; clients get their routes all the same. What is only interrupted, or would
 * have to wait, is not even noticed. Skipped where strace is missing or may not trace.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/failure/scenario.h"

#define STRACE "/usr/bin/strace"

/* -D: the fetcher is our child, and strace ends with it. */
static void launch(struct fixture *fixture, const char *injection)
{
    struct fetcher *fetcher = &fixture->fetcher;
    char program[] = LARSHM_FETCHER, inject[128];
    snprintf(inject, sizeof(inject), "inject=%s", injection);
    char *const argv[] = {STRACE,
                          "-D",
                          "-f",
                          "-qqq",
                          "-e",
                          inject,
                          program,
                          "-c",
                          fetcher->config_path,
                          "-n",
                          fetcher->instance,
                          NULL};
    process_start(&fetcher->process, fetcher->log_path, argv);
}

static int may_trace(void)
{
    struct process process = {0};
    char *const argv[] = {STRACE, "-f", "-qqq", "-o", "/dev/null", "/bin/true", NULL};
    process_start(&process, "/dev/null", argv);
    return process_wait(&process) == 0;
}

/* Starts under the injection and lives until all routes are served. */
static struct fixture *live_with(const char *injection)
{
    void *state = NULL;
    assert_int_equal(fixture_setup(&state), 0);
    struct fixture *fixture = state;
    fixture->fetcher.config.request_timeout_ms = 200;
    fixture->fetcher.config.probe_interval_ms = 200;
    directory_listen(&fixture->directory);
    fetcher_configure(&fixture->fetcher);
    launch(fixture, injection);
    eventually(fetcher_generation(&fixture->fetcher) > 0 || !process_alive(&fixture->fetcher.process));
    if (!process_alive(&fixture->fetcher.process))
        fail_msg("%s: the fetcher has ended", injection);
    if (!scenario_run(fixture))
        fail_msg("%s: a route never came", injection);
    return fixture;
}

static void stop(struct fixture *fixture, const char *injection)
{
    process_signal(&fixture->fetcher.process, SIGTERM);
    int status = process_wait(&fixture->fetcher.process);
    if (status != 0)
        fail_msg("%s: stopped with %d", injection, status);
    assert_true(scenario_served(fixture) && scenario_left_nothing_half_made(fixture));
    fixture_teardown((void *[]){fixture});
}

/* strace says so, in the log that it shares with the fetcher. */
static bool was_injected(const struct fixture *fixture)
{
    return process_said(&fixture->fetcher.process, "(INJECTED)") > 0;
}

static void nth_failure_of_the_network_is_recovered(void **state)
{
    static const struct {
        const char *call, *error;
    } rows[] = {
        {"socket", "EMFILE"},
        {"connect", "ENETUNREACH"},
        {"connect", "EADDRNOTAVAIL"},
        {"setsockopt", "ENOPROTOOPT"},
    };
    (void)state;
    if (!may_trace())
        skip();
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        bool injected = true;
        int n = 0;
        while (injected) {
            char injection[96];
            snprintf(injection, sizeof(injection), "%s:error=%s:when=%d", rows[i].call, rows[i].error, ++n);
            struct fixture *fixture = live_with(injection);
            injected = was_injected(fixture);
            stop(fixture, injection);
        }
        printf("%-10s %-14s %d\n", rows[i].call, rows[i].error, n - 1);
    }
}

static void interrupted_and_delayed_calls_are_invisible(void **state)
{
    static const char *const injections[] = {
        "write:error=EINTR:when=4+2",
        "epoll_pwait,epoll_wait:error=EINTR:when=2+2",
        "connect:error=EINTR:when=1",
    };
    (void)state;
    if (!may_trace())
        skip();
    for (size_t i = 0; i < sizeof(injections) / sizeof(*injections); i++) {
        struct fixture *fixture = live_with(injections[i]);
        assert_true(was_injected(fixture));
        assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_connects), 1);
        assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_disconnects), 0);
        assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_connect_failures), 0);
        assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_bad_frames), 0);
        stop(fixture, injections[i]);
    }
}

int main(void)
{
    /* Neither sanitizer may look for leaks in a process that is traced. */
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nth_failure_of_the_network_is_recovered),
        cmocka_unit_test(interrupted_and_delayed_calls_are_invisible),
    };
    return cmocka_run_group_tests_name("failure/syscalls", tests, NULL, NULL);
}
