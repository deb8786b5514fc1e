/* SPDX-License-Identifier: MIT */
/* What ends a wait to reconnect. Here it is longer than any test waits. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>

#include "tests/support/fixture.h"

enum {
    FAR_MS = 60000,      /* half of it is fixed */
    LEAST_GAP_MS = 1000, /* between two attempts that programs cause */
};

struct waiter {
    pthread_t thread;
    larshm *h;
    int code;
};

static void *wait_for_route(void *context)
{
    struct waiter *waiter = context;
    waiter->code = larshm_wait_route(waiter->h, 8, 8, EVENTUALLY_MS);
    return NULL;
}

static void start_waiting(struct waiter *waiter, larshm *h)
{
    waiter->h = h;
    assert_int_equal(pthread_create(&waiter->thread, NULL, wait_for_route, waiter), 0);
}

/* Answers what is requested until the wait is over. */
static void expect_success(struct waiter *waiter, struct fixture *fixture)
{
    struct route_key key;
    do
        assert_true(directory_takes(&fixture->directory, EVENTUALLY_MS, &key));
    while (key.modid != 8);
    fixture_answer(fixture, 8, 8, 1, 80);
    pthread_join(waiter->thread, NULL);
    assert_int_equal(waiter->code, LARSHM_OK);
}

static void be_patient(struct fixture *fixture)
{
    fixture->fetcher.config.reconnect_min_ms = fixture->fetcher.config.reconnect_max_ms = FAR_MS;
}

static uint64_t failures(const struct fixture *fixture)
{
    return fetcher_counter(&fixture->fetcher, COUNTER_connect_failures);
}

static void program_that_waits_for_a_route_ends_the_wait_and_one_that_looks_up_does_not(void **state)
{
    struct fixture *fixture = *state;
    struct waiter waiter;
    be_patient(fixture);
    fixture_connect_with_good_route(fixture);
    directory_refuse(&fixture->directory);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_disconnects) == 1);
    directory_listen(&fixture->directory);
    throughout(300, fixture_lookup(fixture, 8, 8) == LARSHM_PENDING);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_connects), 1);
    start_waiting(&waiter, fixture->client);
    directory_accept(&fixture->directory);
    expect_success(&waiter, fixture);
    assert_true(fixture_serves_good_route(fixture));
}

static void directory_that_comes_back_while_a_program_waits_is_found(void **state)
{
    struct fixture *fixture = *state;
    struct waiter waiter;
    be_patient(fixture);
    fixture_start(fixture);
    eventually(failures(fixture) == 1);
    start_waiting(&waiter, fixture->client);
    eventually(failures(fixture) == 2);
    directory_listen(&fixture->directory);
    directory_accept(&fixture->directory);
    expect_success(&waiter, fixture);
}

static void programs_that_wait_without_end_cause_an_attempt_a_second_at_most(void **state)
{
    struct fixture *fixture = *state;
    be_patient(fixture);
    uint64_t begin = clock_tick();
    fixture_start(fixture);
    for (uint32_t i = 0; failures(fixture) < 2; i++) {
        assert_int_equal(larshm_wait_route(fixture->client, 8, i, 1), LARSHM_TIMEOUT);
        assert_true(clock_tick() < begin + EVENTUALLY_MS);
    }
    assert_true(clock_tick() - begin >= LEAST_GAP_MS);
}

static void several_directories_are_tried_in_turn_while_a_program_waits(void **state)
{
    struct fixture *fixture = *state;
    struct waiter waiter;
    char list[64];
    struct directory gone;
    directory_open(&gone);
    snprintf(list, sizeof(list), "127.0.0.1:%u, 127.0.0.1:%u", gone.port, fixture->directory.port);
    fixture->fetcher.config.servers = list;
    fixture->directory.of_several = true;
    be_patient(fixture);
    fixture_start(fixture);
    eventually(failures(fixture) == 1);
    directory_listen(&fixture->directory);
    start_waiting(&waiter, fixture->client);
    directory_accept(&fixture->directory);
    expect_success(&waiter, fixture);
    directory_close(&gone);
}

static void reload_ends_the_wait(void **state)
{
    struct fixture *fixture = *state;
    be_patient(fixture);
    fixture_start(fixture);
    eventually(failures(fixture) == 1);
    directory_listen(&fixture->directory);
    process_signal(&fixture->fetcher.process, SIGHUP);
    directory_accept(&fixture->directory);
    fixture_learn(fixture, 1, 2, 3, 80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(program_that_waits_for_a_route_ends_the_wait_and_one_that_looks_up_does_not),
        fixture_test(directory_that_comes_back_while_a_program_waits_is_found),
        fixture_test(programs_that_wait_without_end_cause_an_attempt_a_second_at_most),
        fixture_test(several_directories_are_tried_in_turn_while_a_program_waits),
        fixture_test(reload_ends_the_wait),
    };
    return cmocka_run_group_tests_name("integration/reconnect", tests, NULL, NULL);
}
