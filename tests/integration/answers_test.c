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
    struct scene *scene = *state;
    scene_start(scene);
    assert_int_equal(scene_lookup(scene, 1, 2), LARSHM_PENDING);
    eventually(fetcher_counter(&scene->fetcher, COUNTER_connect_failures) >= 3);
    assert_int_equal(scene_lookup(scene, 1, 2), LARSHM_PENDING);
    assert_false(scene_info(scene, 1, 2).connected);

    directory_listen(&scene->directory);
    directory_accept(&scene->directory);
    directory_expect(&scene->directory, 1, 2);
    scene_answer(scene, 1, 2, 3, 80);
    assert_int_equal(larshm_wait_route(scene->client, 1, 2, PATIENCE_MS), LARSHM_OK);
    assert_true(scene_serves(scene, 1, 2, 3, 80));
    assert_true(process_said(&scene->fetcher.process, "connection refused") >= 1);
}

static void request_that_is_never_answered_leaves_the_route_new_and_is_repeated_on_lookup(void **state)
{
    struct scene *scene = *state;
    scene->fetcher.config.update_timeout = 1;
    scene->fetcher.config.request_timeout_ms = TIMEOUT_MS;
    scene_connect(scene);
    scene_learn(scene, 1, 2, 3, 80);
    for (uint64_t round = 1; round <= 3; round++) {
        scene_lookup_until_asked(scene, 1, 2);
        eventually(fetcher_counter(&scene->fetcher, COUNTER_timeouts) == round);
        assert_false(scene_info(scene, 1, 2).pulling);
        directory_expect_nothing(&scene->directory, QUIET_MS);
    }
    assert_true(scene_serves(scene, 1, 2, 3, 80));
}

static void unknown_route_whose_request_is_lost_is_asked_for_again_on_lookup(void **state)
{
    struct scene *scene = *state;
    scene->fetcher.config.request_timeout_ms = TIMEOUT_MS;
    scene_connect(scene);
    assert_int_equal(scene_lookup(scene, 1, 2), LARSHM_PENDING);
    directory_expect(&scene->directory, 1, 2);
    eventually(fetcher_counter(&scene->fetcher, COUNTER_timeouts) == 1);
    scene_learn(scene, 1, 2, 3, 80);
}

static void late_answers_are_used_whatever_they_say(void **state)
{
    struct scene *scene = *state;
    scene->fetcher.config.request_timeout_ms = TIMEOUT_MS;
    scene_connect(scene);
    for (uint32_t cmdid = 0; cmdid < 4; cmdid++) {
        assert_int_equal(scene_lookup(scene, 1, cmdid), LARSHM_PENDING);
        directory_expect(&scene->directory, 1, cmdid);
    }
    eventually(fetcher_counter(&scene->fetcher, COUNTER_timeouts) == 4);
    pause_ms(LATE_MS);
    scene_answer(scene, 1, 0, 3, 80);
    scene_answer(scene, 1, 1, 2, 81);
    directory_deny(&scene->directory, 1, 2);
    directory_deny(&scene->directory, 1, 3);

    eventually(fetcher_counter(&scene->fetcher, COUNTER_answers) == 4);
    assert_int_equal(fetcher_counter(&scene->fetcher, COUNTER_pushes), 0);
    assert_true(scene_serves(scene, 1, 0, 3, 80));
    assert_true(scene_serves(scene, 1, 1, 2, 81));
    assert_int_equal(scene_lookup(scene, 1, 2), LARSHM_NOEXIST);
    assert_int_equal(scene_lookup(scene, 1, 3), LARSHM_NOEXIST);
    directory_expect_nothing(&scene->directory, QUIET_MS);
}

static void directory_slower_than_the_time_out_still_keeps_a_route_fresh(void **state)
{
    struct scene *scene = *state;
    scene->fetcher.config.update_timeout = 1;
    scene->fetcher.config.request_timeout_ms = TIMEOUT_MS;
    scene_connect(scene);
    scene_learn(scene, 1, 2, 1, 80);
    for (int port = 81; port <= 82; port++) {
        scene_lookup_until_asked(scene, 1, 2);
        pause_ms(LATE_MS);
        scene_answer(scene, 1, 2, 1, port);
        eventually(scene_serves(scene, 1, 2, 1, port));
        assert_false(scene_info(scene, 1, 2).expired);
    }
    assert_int_equal(fetcher_counter(&scene->fetcher, COUNTER_disconnects), 0);
}

static void push_updates_a_known_route(void **state)
{
    struct scene *scene = *state;
    scene_connect(scene);
    scene_learn(scene, 1, 2, 3, 80);
    scene_answer(scene, 1, 2, 2, 81);
    eventually(scene_serves(scene, 1, 2, 2, 81));
    assert_int_equal(fetcher_counter(&scene->fetcher, COUNTER_pushes), 1);
    directory_expect_nothing(&scene->directory, QUIET_MS);
}

static void push_without_hosts_for_a_route_nobody_asked_for_is_not_remembered(void **state)
{
    struct scene *scene = *state;
    scene_connect(scene);
    directory_deny(&scene->directory, 7, 7);
    eventually(fetcher_counter(&scene->fetcher, COUNTER_pushes) == 1);
    assert_int_equal(fetcher_counter(&scene->fetcher, COUNTER_negative), 0);
    assert_int_equal(scene_lookup(scene, 7, 7), LARSHM_PENDING);
    directory_expect(&scene->directory, 7, 7);
}

static void negative_answer_holds_for_update_timeout_and_then_is_asked_for_on_lookup(void **state)
{
    struct scene *scene = *state;
    scene->fetcher.config.update_timeout = 1;
    scene_connect(scene);
    assert_int_equal(scene_lookup(scene, 1, 2), LARSHM_PENDING);
    directory_expect(&scene->directory, 1, 2);
    uint64_t answered = clock_tick();
    directory_deny(&scene->directory, 1, 2);
    eventually(scene_lookup(scene, 1, 2) == LARSHM_NOEXIST);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(scene_lookup(scene, 1, 2), LARSHM_NOEXIST);

    eventually(scene_info(scene, 1, 2).expired);
    assert_true(clock_tick() - answered >= 1000);
    assert_int_equal(fetcher_counter(&scene->fetcher, COUNTER_requests), 1);
    scene_lookup_until_asked(scene, 1, 2);
    scene_answer(scene, 1, 2, 2, 80);
    eventually(scene_serves(scene, 1, 2, 2, 80));
}

static void host_changes_reach_clients_in_the_order_they_were_sent(void **state)
{
    struct scene *scene = *state;
    scene_connect(scene);
    scene_learn(scene, 1, 2, 1, 1);
    for (int port = 2; port <= 1000; port++)
        scene_answer(scene, 1, 2, 1, port);
    int last = 1;
    while (last < 1000) {
        larshm_host host;
        assert_int_equal(larshm_get_host(scene->client, 1, 2, &host), LARSHM_OK);
        assert_true(ntohs(host.port) >= last);
        last = ntohs(host.port);
    }
    eventually(fetcher_counter(&scene->fetcher, COUNTER_pushes) == 999);
    assert_true(scene_serves(scene, 1, 2, 1, 1000));
}

/* Growth drops the expired entry that the answer is about to replace. */
static void route_that_comes_back_as_the_object_grows_is_counted_once(void **state)
{
    struct scene *scene = *state;
    static struct wire_host large[LARGEST_ROUTE];
    for (int i = 0; i < LARGEST_ROUTE; i++)
        large[i] = (struct wire_host){.ip = 1 + i / 127, .port = 1 + i % 127};
    scene->fetcher.config.update_timeout = 1;
    scene_connect(scene);
    assert_int_equal(scene_lookup(scene, 1, 2), LARSHM_PENDING);
    directory_expect(&scene->directory, 1, 2);
    directory_deny(&scene->directory, 1, 2);
    eventually(scene_info(scene, 1, 2).expired);
    for (uint32_t cmdid = 3; cmdid < 6; cmdid++)
        directory_answer(&scene->directory, 1, cmdid, large, LARGEST_ROUTE);
    eventually(fetcher_counter(&scene->fetcher, COUNTER_routes) == 3);
    uint64_t generation = fetcher_generation(&scene->fetcher);

    directory_answer(&scene->directory, 1, 2, large, LARGEST_ROUTE);
    eventually(fetcher_counter(&scene->fetcher, COUNTER_routes) == 4);
    assert_true(fetcher_generation(&scene->fetcher) > generation);
    assert_int_equal(fetcher_counter(&scene->fetcher, COUNTER_negative), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene_test(fetcher_that_starts_before_the_directory_gets_its_routes_later),
        scene_test(request_that_is_never_answered_leaves_the_route_new_and_is_repeated_on_lookup),
        scene_test(unknown_route_whose_request_is_lost_is_asked_for_again_on_lookup),
        scene_test(late_answers_are_used_whatever_they_say),
        scene_test(directory_slower_than_the_time_out_still_keeps_a_route_fresh),
        scene_test(push_updates_a_known_route),
        scene_test(push_without_hosts_for_a_route_nobody_asked_for_is_not_remembered),
        scene_test(negative_answer_holds_for_update_timeout_and_then_is_asked_for_on_lookup),
        scene_test(route_that_comes_back_as_the_object_grows_is_counted_once),
        scene_test(host_changes_reach_clients_in_the_order_they_were_sent),
    };
    return cmocka_run_group_tests_name("integration/answers", tests, NULL, NULL);
}
