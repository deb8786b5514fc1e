/* SPDX-License-Identifier: MIT */
/* What becomes of answers: late, lost, pushed, negative. */
#include "tests/support/fixture.h"

enum {
    QUIET_MS = 200,
    TIMEOUT_MS = 100,
    LATE_MS = 300,         /* well after the time-out */
    LARGEST_ROUTE = 10920, /* hosts: a quarter of a new object */
};

static void fetcher_that_starts_before_the_directory_gets_its_routes_later(void **state)
{
    struct fixture *fixture = *state;
    fixture_start(fixture);
    assert_int_equal(fixture_lookup(fixture, 1, 2), LARSHM_PENDING);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_connect_failures) >= 3);
    assert_int_equal(fixture_lookup(fixture, 1, 2), LARSHM_PENDING);
    assert_false(fixture_info(fixture, 1, 2).connected);

    directory_listen(&fixture->directory);
    directory_accept(&fixture->directory);
    directory_expect(&fixture->directory, 1, 2);
    fixture_answer(fixture, 1, 2, 3, 80);
    assert_int_equal(larshm_wait_route(fixture->client, 1, 2, EVENTUALLY_MS), LARSHM_OK);
    assert_true(fixture_serves(fixture, 1, 2, 3, 80));
    assert_true(process_said(&fixture->fetcher.process, "connection refused") >= 1);
}

/* The fetcher probes with another route, whose answer shows that the one before it will not come. */
static void lose_request(struct fixture *fixture, uint64_t lost)
{
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_timeouts) == lost);
    directory_expect(&fixture->directory, 7, 7);
    fixture_answer(fixture, 7, 7, 4, 7000);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_pulling) == 0);
}

static void request_that_is_lost_leaves_the_route_new_and_is_repeated_on_lookup(void **state)
{
    struct fixture *fixture = *state;
    fixture->fetcher.config.update_timeout = 1;
    fixture->fetcher.config.request_timeout_ms = TIMEOUT_MS;
    fixture_connect_with_good_route(fixture);
    fixture_learn(fixture, 1, 2, 3, 80);
    for (uint64_t round = 1; round <= 3; round++) {
        fixture_lookup_until_asked(fixture, 1, 2);
        lose_request(fixture, round);
        assert_false(fixture_info(fixture, 1, 2).pulling);
        directory_expect_nothing(&fixture->directory, QUIET_MS);
    }
    assert_true(fixture_serves(fixture, 1, 2, 3, 80));
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_disconnects), 0);
}

static void unknown_route_whose_request_is_lost_is_asked_for_again_on_lookup(void **state)
{
    struct fixture *fixture = *state;
    fixture->fetcher.config.request_timeout_ms = TIMEOUT_MS;
    fixture_connect_with_good_route(fixture);
    assert_int_equal(fixture_lookup(fixture, 1, 2), LARSHM_PENDING);
    directory_expect(&fixture->directory, 1, 2);
    lose_request(fixture, 1);
    fixture_learn(fixture, 1, 2, 3, 80);
}

static void request_that_is_late_is_not_repeated_while_its_answer_may_come(void **state)
{
    struct fixture *fixture = *state;
    fixture->fetcher.config.request_timeout_ms = TIMEOUT_MS;
    fixture_connect(fixture);
    assert_int_equal(fixture_lookup(fixture, 1, 2), LARSHM_PENDING);
    directory_expect(&fixture->directory, 1, 2);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_timeouts) == 1);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(fixture_lookup(fixture, 1, 2), LARSHM_PENDING);
        directory_expect_nothing(&fixture->directory, QUIET_MS / 10);
    }
    fixture_answer(fixture, 1, 2, 3, 80);
    eventually(fixture_serves(fixture, 1, 2, 3, 80));
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_requests), 1);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_pushes), 0);
}

/* All routes are looked up all the time, and each answer takes three time-outs. */
static void no_route_is_requested_twice_on_a_connection_that_is_slower_than_the_time_out(void **state)
{
    enum {
        ROUTES = 40,
        ANSWERS = 4 * ROUTES,
    };
    struct fixture *fixture = *state;
    uint32_t queue[ANSWERS + ROUTES], requested = 0, answered = 0;
    uint64_t due[ANSWERS + ROUTES];
    bool outstanding[ROUTES] = {0};
    struct route_key key;
    fixture->fetcher.config.update_timeout = 1;
    fixture->fetcher.config.request_timeout_ms = TIMEOUT_MS;
    fixture_connect(fixture);
    for (uint32_t i = 0; i < ROUTES; i++)
        fixture_answer(fixture, 1, i, 1, 80);
    for (uint32_t i = 0; i < ROUTES; i++)
        eventually(fixture_info(fixture, 1, i).expired);
    uint64_t deadline = clock_tick() + EVENTUALLY_MS;
    while (answered < ANSWERS) {
        assert_true(clock_tick() < deadline);
        for (uint32_t i = 0; i < ROUTES; i++)
            assert_int_equal(fixture_lookup(fixture, 1, i), LARSHM_OK);
        while (directory_takes(&fixture->directory, 1, &key)) {
            if (outstanding[key.cmdid])
                fail_msg("1/%u is requested again before its answer", key.cmdid);
            outstanding[key.cmdid] = true;
            due[requested] = clock_tick() + LATE_MS;
            queue[requested++] = key.cmdid;
        }
        for (; answered < requested && due[answered] <= clock_tick(); answered++) {
            outstanding[queue[answered]] = false;
            fixture_answer(fixture, 1, queue[answered], 1, 80);
        }
    }
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_answers) == ROUTES + answered);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_pushes), ROUTES);
    assert_true(fetcher_counter(&fixture->fetcher, COUNTER_timeouts) >= ANSWERS);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_disconnects), 0);
}

static void directory_that_pushes_and_answers_nothing_is_left(void **state)
{
    struct fixture *fixture = *state;
    fixture->fetcher.config.request_timeout_ms = 10;
    fixture->fetcher.config.probe_interval_ms = 100;
    fixture_connect_with_good_route(fixture);
    assert_int_equal(fixture_lookup(fixture, 1, 2), LARSHM_PENDING);
    uint64_t deadline = clock_tick() + EVENTUALLY_MS;
    do {
        assert_true(clock_tick() < deadline);
        directory_deny(&fixture->directory, 5, 5);
    } while (!directory_ended(&fixture->directory, 20));
    fixture_expect_survival(fixture, COUNTER_disconnects, "requests are not answered");
    directory_accept(&fixture->directory);
    fixture_lookup_until_asked(fixture, 1, 2);
}

static void late_answers_are_used_whatever_they_say(void **state)
{
    struct fixture *fixture = *state;
    fixture->fetcher.config.request_timeout_ms = TIMEOUT_MS;
    fixture_connect(fixture);
    for (uint32_t cmdid = 0; cmdid < 4; cmdid++) {
        assert_int_equal(fixture_lookup(fixture, 1, cmdid), LARSHM_PENDING);
        directory_expect(&fixture->directory, 1, cmdid);
    }
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_timeouts) == 4);
    pause_ms(LATE_MS);
    fixture_answer(fixture, 1, 0, 3, 80);
    fixture_answer(fixture, 1, 1, 2, 81);
    directory_deny(&fixture->directory, 1, 2);
    directory_deny(&fixture->directory, 1, 3);

    eventually(fetcher_counter(&fixture->fetcher, COUNTER_answers) == 4);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_pushes), 0);
    assert_true(fixture_serves(fixture, 1, 0, 3, 80));
    assert_true(fixture_serves(fixture, 1, 1, 2, 81));
    assert_int_equal(fixture_lookup(fixture, 1, 2), LARSHM_NOEXIST);
    assert_int_equal(fixture_lookup(fixture, 1, 3), LARSHM_NOEXIST);
}

static uint64_t answers_later_than(const struct latency *latency, uint32_t us)
{
    uint64_t sum = latency->counts[LATENCY_BUCKETS - 1];
    for (int i = 0; i < LATENCY_BUCKETS - 1; i++)
        sum += latency_bounds_us[i] > us ? latency->counts[i] : 0;
    return sum;
}

static void answers_to_requests_alone_are_counted_by_how_long_they_took_the_late_ones_too(void **state)
{
    struct fixture *fixture = *state;
    fixture->fetcher.config.request_timeout_ms = TIMEOUT_MS;
    fixture_connect(fixture);
    assert_int_equal(fixture_lookup(fixture, 1, 2), LARSHM_PENDING);
    directory_expect(&fixture->directory, 1, 2);
    pause_ms(LATE_MS);
    fixture_answer(fixture, 1, 2, 3, 80);
    eventually(fixture_serves(fixture, 1, 2, 3, 80));
    struct latency latency = fetcher_latency(&fixture->fetcher);
    assert_int_equal(answers_later_than(&latency, 0), 1);
    assert_int_equal(answers_later_than(&latency, 250000), 1);
    assert_true(latency.sum_us >= LATE_MS * 1000);

    fixture_answer(fixture, 1, 2, 3, 81);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_pushes) == 1);
    assert_int_equal(fixture_lookup(fixture, 1, 4), LARSHM_PENDING);
    directory_expect(&fixture->directory, 1, 4);
    directory_hang_up(&fixture->directory);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_disconnects) == 1);
    latency = fetcher_latency(&fixture->fetcher);
    assert_int_equal(answers_later_than(&latency, 0), 1);
}

static void directory_slower_than_the_time_out_still_keeps_a_route_fresh(void **state)
{
    struct fixture *fixture = *state;
    fixture->fetcher.config.update_timeout = 1;
    fixture->fetcher.config.request_timeout_ms = TIMEOUT_MS;
    fixture_connect(fixture);
    fixture_learn(fixture, 1, 2, 1, 80);
    for (int port = 81; port <= 82; port++) {
        fixture_lookup_until_asked(fixture, 1, 2);
        pause_ms(LATE_MS);
        fixture_answer(fixture, 1, 2, 1, port);
        eventually(fixture_serves(fixture, 1, 2, 1, port));
        assert_false(fixture_info(fixture, 1, 2).expired);
    }
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_disconnects), 0);
}

static void push_updates_a_known_route(void **state)
{
    struct fixture *fixture = *state;
    fixture_connect(fixture);
    fixture_learn(fixture, 1, 2, 3, 80);
    fixture_answer(fixture, 1, 2, 2, 81);
    eventually(fixture_serves(fixture, 1, 2, 2, 81));
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_pushes), 1);
    directory_expect_nothing(&fixture->directory, QUIET_MS);
}

static void push_without_hosts_for_a_route_never_asked_for_is_not_remembered(void **state)
{
    struct fixture *fixture = *state;
    fixture_connect(fixture);
    directory_deny(&fixture->directory, 7, 7);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_pushes) == 1);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_negative), 0);
    assert_int_equal(fixture_lookup(fixture, 7, 7), LARSHM_PENDING);
    directory_expect(&fixture->directory, 7, 7);
}

static void negative_answer_lasts_for_update_timeout_and_then_is_asked_for_on_lookup(void **state)
{
    struct fixture *fixture = *state;
    fixture->fetcher.config.update_timeout = 1;
    fixture_connect(fixture);
    assert_int_equal(fixture_lookup(fixture, 1, 2), LARSHM_PENDING);
    directory_expect(&fixture->directory, 1, 2);
    uint64_t answered = clock_tick();
    directory_deny(&fixture->directory, 1, 2);
    eventually(fixture_lookup(fixture, 1, 2) == LARSHM_NOEXIST);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(fixture_lookup(fixture, 1, 2), LARSHM_NOEXIST);

    eventually(fixture_info(fixture, 1, 2).expired);
    assert_true(clock_tick() - answered >= 700); /* between that and update_timeout, as it is drawn */
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_requests), 1);
    fixture_lookup_until_asked(fixture, 1, 2);
    fixture_answer(fixture, 1, 2, 2, 80);
    eventually(fixture_serves(fixture, 1, 2, 2, 80));
}

static void host_changes_reach_clients_in_the_order_they_were_sent(void **state)
{
    struct fixture *fixture = *state;
    fixture_connect(fixture);
    fixture_learn(fixture, 1, 2, 1, 1);
    for (int port = 2; port <= 1000; port++)
        fixture_answer(fixture, 1, 2, 1, port);
    int last = 1;
    while (last < 1000) {
        larshm_host host;
        assert_int_equal(larshm_get_host(fixture->client, 1, 2, &host), LARSHM_OK);
        assert_true(ntohs(host.port) >= last);
        last = ntohs(host.port);
    }
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_pushes) == 999);
    assert_true(fixture_serves(fixture, 1, 2, 1, 1000));
}

/* Growth drops the expired entry that the answer is about to replace. */
static void route_that_comes_back_as_the_object_grows_is_counted_once(void **state)
{
    struct fixture *fixture = *state;
    static struct wire_host large[LARGEST_ROUTE];
    for (int i = 0; i < LARGEST_ROUTE; i++)
        large[i] = (struct wire_host){.ip = 1 + i / 127, .port = 1 + i % 127};
    fixture->fetcher.config.update_timeout = 1;
    fixture_connect(fixture);
    assert_int_equal(fixture_lookup(fixture, 1, 2), LARSHM_PENDING);
    directory_expect(&fixture->directory, 1, 2);
    directory_deny(&fixture->directory, 1, 2);
    eventually(fixture_info(fixture, 1, 2).expired);
    for (uint32_t cmdid = 3; cmdid < 6; cmdid++)
        directory_answer(&fixture->directory, 1, cmdid, large, LARGEST_ROUTE);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_routes) == 3);
    uint64_t generation = fetcher_generation(&fixture->fetcher);

    directory_answer(&fixture->directory, 1, 2, large, LARGEST_ROUTE);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_routes) == 4);
    assert_true(fetcher_generation(&fixture->fetcher) > generation);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_negative), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(fetcher_that_starts_before_the_directory_gets_its_routes_later),
        fixture_test(request_that_is_lost_leaves_the_route_new_and_is_repeated_on_lookup),
        fixture_test(unknown_route_whose_request_is_lost_is_asked_for_again_on_lookup),
        fixture_test(request_that_is_late_is_not_repeated_while_its_answer_may_come),
        fixture_test(no_route_is_requested_twice_on_a_connection_that_is_slower_than_the_time_out),
        fixture_test(directory_that_pushes_and_answers_nothing_is_left),
        fixture_test(late_answers_are_used_whatever_they_say),
        fixture_test(answers_to_requests_alone_are_counted_by_how_long_they_took_the_late_ones_too),
        fixture_test(directory_slower_than_the_time_out_still_keeps_a_route_fresh),
        fixture_test(push_updates_a_known_route),
        fixture_test(push_without_hosts_for_a_route_never_asked_for_is_not_remembered),
        fixture_test(negative_answer_lasts_for_update_timeout_and_then_is_asked_for_on_lookup),
        fixture_test(route_that_comes_back_as_the_object_grows_is_counted_once),
        fixture_test(host_changes_reach_clients_in_the_order_they_were_sent),
    };
    return cmocka_run_group_tests_name("integration/answers", tests, NULL, NULL);
}
