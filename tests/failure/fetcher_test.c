/* SPDX-License-Identifier: MIT */
/*
 * A real fetcher in which the n-th call of a kind fails, for each kind and each n, from its start until clients have
 * what they demanded while unknown keys come. It either ends and says why, or goes on; then every client gets its
 * routes, and the fetcher stops cleanly.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/failure/fail.h"
#include "tests/failure/scenario.h"

#define X(call, error) #call,
static const char *const kinds[] = {FAIL_CALLS(X)};
#undef X

static const char on_purpose[] = "failed on purpose";

/* To the programs, the file is the journal: errors have a priority there. */
static void name_journal(const char *path)
{
    struct stat st;
    char stream[64];
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(fstat(fd, &st), 0);
    close(fd);
    snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
}

static void launch(struct fixture *fixture, const char *variable, const char *value)
{
    struct fetcher *fetcher = &fixture->fetcher;
    char program[] = FAILING_FETCHER;
    char *const argv[] = {program, "-c", fetcher->config_path, "-n", fetcher->instance, NULL};
    if (value)
        setenv(variable, value, 1);
    name_journal(fetcher->log_path);
    process_start(&fetcher->process, fetcher->log_path, argv);
    unsetenv(variable);
}

static bool serving_or_ended(struct fixture *fixture, bool *ended)
{
    *ended = !process_alive(&fixture->fetcher.process);
    return *ended || process_said(&fixture->fetcher.process, "serving instance") > 0;
}

/* True if the call was made so often. */
static bool live_with_failure(const char *kind, unsigned long n, unsigned long *ends)
{
    void *state = NULL;
    char failure[64];
    bool ended = false;
    assert_int_equal(fixture_setup(&state), 0);
    struct fixture *fixture = state;
    fixture->fetcher.config.request_timeout_ms = 100;
    fixture->fetcher.config.snapshot = fixture->fetcher.snapshot_path;
    snprintf(failure, sizeof(failure), "%s:%lu", kind, n);
    directory_listen(&fixture->directory);
    fetcher_configure(&fixture->fetcher);
    launch(fixture, "LARSHM_TEST_FAIL", failure);

    eventually(serving_or_ended(fixture, &ended));
    if (!scenario_left_nothing_half_made(fixture))
        fail_msg("%s: something is half made", failure);
    if (ended) {
        ++*ends;
        if (process_said(&fixture->fetcher.process, "<3>failing_fetcher: ") != 1)
            fail_msg("%s: ended without an error", failure);
        launch(fixture, "LARSHM_TEST_FAIL", NULL);
        eventually(process_said(&fixture->fetcher.process, "serving instance") > 0);
    }
    if (!scenario_run(fixture))
        fail_msg("%s: a route never came", failure);
    process_signal(&fixture->fetcher.process, SIGTERM);
    int status = process_wait(&fixture->fetcher.process);
    if (status != 0)
        fail_msg("%s: stopped with %d", failure, status);
    assert_true(scenario_served(fixture) && scenario_left_nothing_half_made(fixture));
    bool happened = process_said(&fixture->fetcher.process, on_purpose) > 0;
    fixture_teardown(&state);
    return happened;
}

static void nth_failure_ends_a_fetcher_with_an_error_or_costs_clients_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        unsigned long n = 1, ends = 0;
        while (live_with_failure(kinds[i], n, &ends))
            n++;
        printf("%-16s %3lu calls, of which %lu end the fetcher when they fail\n", kinds[i], n - 1, ends);
    }
}

static void short_interrupted_and_delayed_transfers_are_invisible(void **state)
{
    static const char *const troubles[] = {"short", "interrupted", "later"};
    (void)state;
    for (size_t i = 0; i < sizeof(troubles) / sizeof(*troubles); i++) {
        void *one = NULL;
        assert_int_equal(fixture_setup(&one), 0);
        struct fixture *fixture = one;
        directory_listen(&fixture->directory);
        fetcher_configure(&fixture->fetcher);
        launch(fixture, "LARSHM_TEST_SOCKETS", troubles[i]);
        eventually(process_said(&fixture->fetcher.process, "serving instance") > 0);
        if (!scenario_run(fixture))
            fail_msg("%s: a route never came", troubles[i]);
        assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_connects), 1);
        assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_disconnects), 0);
        assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_bad_frames), 0);
        fetcher_stop(&fixture->fetcher);
        fixture_teardown(&one);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nth_failure_ends_a_fetcher_with_an_error_or_costs_clients_nothing),
        cmocka_unit_test(short_interrupted_and_delayed_transfers_are_invisible),
    };
    return cmocka_run_group_tests_name("failure/fetcher", tests, NULL, NULL);
}
