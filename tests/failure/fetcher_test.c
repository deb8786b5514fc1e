/* SPDX-License-Identifier: MIT */
/*
 * A real fetcher in which the n-th call of a kind fails, for each kind and each n, from its start until clients have
 * what they asked for while keys come that nobody knows. It either ends and says why, or goes on; then every client
 * gets its routes, and the fetcher stops in good order.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/failure/fail.h"
#include "tests/failure/scenario.h"

#define X(call, error) #call,
static const char *const kinds[] = {FAIL_CALLS(X)};
#undef X

static const char on_purpose[] = "failed on purpose";

static void launch(struct scene *scene, const char *variable, const char *value)
{
    struct fetcher *fetcher = &scene->fetcher;
    char program[] = FAILING_FETCHER;
    char *const argv[] = {program, "-c", fetcher->config_path, "-n", fetcher->instance, NULL};
    if (value)
        setenv(variable, value, 1);
    process_start(&fetcher->process, fetcher->log_path, argv);
    unsetenv(variable);
}

static bool serving_or_ended(struct scene *scene, bool *ended)
{
    *ended = !process_alive(&scene->fetcher.process);
    return *ended || process_said(&scene->fetcher.process, "serving instance") > 0;
}

/* True if the call was made so often. */
static bool live_with_failure(const char *kind, unsigned long n, unsigned long *ends)
{
    void *state = NULL;
    char told[64];
    bool ended = false;
    assert_int_equal(scene_setup(&state), 0);
    struct scene *scene = state;
    scene->fetcher.config.request_timeout_ms = 100;
    snprintf(told, sizeof(told), "%s:%lu", kind, n);
    directory_listen(&scene->directory);
    fetcher_configure(&scene->fetcher);
    launch(scene, "LARSHM_TEST_FAIL", told);

    eventually(serving_or_ended(scene, &ended));
    if (!play_left_nothing_half_made(scene))
        fail_msg("%s: something is half made", told);
    if (ended) {
        ++*ends;
        if (process_said(&scene->fetcher.process, "<3>larshm-fetcher: ") != 1)
            fail_msg("%s: ended without a word", told);
        launch(scene, "LARSHM_TEST_FAIL", NULL);
        eventually(process_said(&scene->fetcher.process, "serving instance") > 0);
    }
    if (!play(scene))
        fail_msg("%s: a route never came", told);
    process_signal(&scene->fetcher.process, SIGTERM);
    int status = process_wait(&scene->fetcher.process);
    if (status != 0)
        fail_msg("%s: stopped with %d", told, status);
    assert_true(play_served(scene) && play_left_nothing_half_made(scene));
    bool happened = process_said(&scene->fetcher.process, on_purpose) > 0;
    scene_teardown(&state);
    return happened;
}

static void nth_failure_ends_a_fetcher_with_a_word_or_costs_clients_nothing(void **state)
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
        assert_int_equal(scene_setup(&one), 0);
        struct scene *scene = one;
        directory_listen(&scene->directory);
        fetcher_configure(&scene->fetcher);
        launch(scene, "LARSHM_TEST_SOCKETS", troubles[i]);
        eventually(process_said(&scene->fetcher.process, "serving instance") > 0);
        if (!play(scene))
            fail_msg("%s: a route never came", troubles[i]);
        assert_int_equal(fetcher_counter(&scene->fetcher, COUNTER_connects), 1);
        assert_int_equal(fetcher_counter(&scene->fetcher, COUNTER_disconnects), 0);
        assert_int_equal(fetcher_counter(&scene->fetcher, COUNTER_bad_frames), 0);
        fetcher_stop(&scene->fetcher);
        scene_teardown(&one);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nth_failure_ends_a_fetcher_with_a_word_or_costs_clients_nothing),
        cmocka_unit_test(short_interrupted_and_delayed_transfers_are_invisible),
    };
    return cmocka_run_group_tests_name("failure/fetcher", tests, NULL, NULL);
}
