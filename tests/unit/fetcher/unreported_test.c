/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fetcher/unreported.h"

enum {
    ROUTES = 2000
};

static void expect_reported(struct unreported *unreported, uint32_t number, uint32_t rsucc, uint32_t rerr,
                            uint32_t succ, uint32_t err)
{
    const struct host_health health = {.rsucc = rsucc, .rerr = rerr};
    uint32_t reported_succ, reported_err;
    unreported_take(unreported, number, &health, &reported_succ, &reported_err);
    assert_int_equal(reported_succ, succ);
    assert_int_equal(reported_err, err);
}

/* In a round of its own. */
static bool take_in_turn(struct unreported *unreported, uint32_t *route)
{
    unreported_begin_round(unreported);
    return unreported_take_route(unreported, route);
}

static void route_with_new_results_waits_once_and_the_longest_waiting_goes_first(void **state)
{
    (void)state;
    struct unreported unreported = {0};
    uint32_t route;
    assert_true(unreported_reserve(&unreported, 10));
    unreported_add_route(&unreported, 7, URGENCY_NONE);
    unreported_add_route(&unreported, 3, URGENCY_NONE);
    unreported_add_route(&unreported, 7, URGENCY_NONE);
    assert_true(take_in_turn(&unreported, &route));
    assert_int_equal(route, 7);
    unreported_add_route(&unreported, 7, URGENCY_NONE);
    assert_true(take_in_turn(&unreported, &route));
    assert_int_equal(route, 3);
    assert_true(take_in_turn(&unreported, &route));
    assert_int_equal(route, 7);
    assert_false(take_in_turn(&unreported, &route));
    unreported_free(&unreported);
}

static void more_room_keeps_the_order_of_those_who_wait(void **state)
{
    (void)state;
    struct unreported unreported = {0};
    uint32_t route, expected = 0;
    for (uint32_t added = 0; added < ROUTES; added++) {
        assert_true(unreported_reserve(&unreported, added + 1));
        unreported_add_route(&unreported, added, URGENCY_NONE);
        if (added % 3 == 0) {
            assert_true(take_in_turn(&unreported, &route));
            assert_int_equal(route, expected++);
        }
    }
    while (take_in_turn(&unreported, &route))
        assert_int_equal(route, expected++);
    assert_int_equal(expected, ROUTES);
    unreported_free(&unreported);
    unreported_free(&unreported);
}

static void all_may_wait_at_once_again_and_again(void **state)
{
    (void)state;
    struct unreported unreported = {0};
    uint32_t route;
    assert_true(unreported_reserve(&unreported, ROUTES));
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < ROUTES; i++)
            unreported_add_route(&unreported, (i + round) % ROUTES, URGENCY_NONE);
        for (uint32_t i = 0; i < ROUTES; i++) {
            assert_true(take_in_turn(&unreported, &route));
            assert_int_equal(route, (i + round) % ROUTES);
        }
        assert_false(take_in_turn(&unreported, &route));
    }
    unreported_free(&unreported);
}

static void round_has_the_routes_that_waited_when_it_began_each_once(void **state)
{
    (void)state;
    struct unreported unreported = {0};
    uint32_t route;
    assert_true(unreported_reserve(&unreported, 10));
    unreported_add_route(&unreported, 7, URGENCY_NONE);
    assert_false(unreported_take_route(&unreported, &route));
    unreported_begin_round(&unreported);
    unreported_add_route(&unreported, 3, URGENCY_NONE);
    assert_true(unreported_take_route(&unreported, &route));
    assert_int_equal(route, 7);
    unreported_add_route(&unreported, 7, URGENCY_NONE);
    assert_false(unreported_take_route(&unreported, &route));
    unreported_begin_round(&unreported);
    assert_true(unreported_take_route(&unreported, &route));
    assert_int_equal(route, 3);
    assert_true(unreported_take_route(&unreported, &route));
    assert_int_equal(route, 7);
    assert_false(unreported_take_route(&unreported, &route));
    unreported_free(&unreported);
}

static void failures_of_a_route_are_reported_out_of_turn_once_between_rounds(void **state)
{
    (void)state;
    struct unreported unreported = {0};
    uint32_t route;
    assert_true(unreported_reserve(&unreported, 10));
    unreported_add_route(&unreported, 2, URGENCY_NONE);
    assert_false(unreported_take_urgent(&unreported, &route));
    for (int round = 0; round < 3; round++) {
        unreported_add_route(&unreported, 7, URGENCY_FAILURE);
        unreported_add_route(&unreported, 7, URGENCY_FAILURE);
        assert_true(unreported_take_urgent(&unreported, &route));
        assert_int_equal(route, 7);
        unreported_add_route(&unreported, 7, URGENCY_FAILURE);
        assert_false(unreported_take_urgent(&unreported, &route));
        unreported_begin_round(&unreported);
        while (unreported_take_route(&unreported, &route))
            continue;
        assert_int_equal(route, 7);
    }
    unreported_free(&unreported);
}

static void change_of_state_is_reported_out_of_turn_each_time(void **state)
{
    (void)state;
    struct unreported unreported = {0};
    uint32_t route;
    assert_true(unreported_reserve(&unreported, 10));
    unreported_add_route(&unreported, 7, URGENCY_FAILURE);
    assert_true(unreported_take_urgent(&unreported, &route));
    for (int i = 0; i < 3; i++) {
        unreported_add_route(&unreported, 7, URGENCY_STATE);
        assert_true(unreported_take_urgent(&unreported, &route));
        assert_int_equal(route, 7);
    }
    unreported_free(&unreported);
}

static void what_was_reported_out_of_turn_is_not_reported_again_in_turn(void **state)
{
    (void)state;
    struct unreported unreported = {0};
    uint32_t route;
    assert_true(unreported_reserve(&unreported, 10));
    unreported_add_route(&unreported, 7, URGENCY_FAILURE);
    unreported_add_route(&unreported, 3, URGENCY_FAILURE);
    assert_true(unreported_take_urgent(&unreported, &route));
    assert_int_equal(route, 7);
    assert_true(take_in_turn(&unreported, &route));
    assert_int_equal(route, 3);
    assert_false(take_in_turn(&unreported, &route));
    assert_false(unreported_take_urgent(&unreported, &route));
    unreported_free(&unreported);
}

/* Lars reports the counts as they are, not what came since. */
static void counts_that_go_on_are_reported_as_they_are(void **state)
{
    (void)state;
    struct unreported unreported = {0};
    assert_true(unreported_reserve(&unreported, 1));
    expect_reported(&unreported, 0, 10, 1, 10, 1);
    expect_reported(&unreported, 0, 15, 2, 15, 2);
    expect_reported(&unreported, 0, 15, 2, 15, 2);
    unreported_free(&unreported);
}

static void what_came_between_the_last_report_and_a_new_window_is_reported_once(void **state)
{
    (void)state;
    struct unreported unreported = {0};
    assert_true(unreported_reserve(&unreported, 1));
    expect_reported(&unreported, 0, 10, 1, 10, 1);
    unreported_keep(&unreported, 0, 14, 3);
    expect_reported(&unreported, 0, 5, 0, 4 + 5, 2 + 0);
    expect_reported(&unreported, 0, 6, 0, 6, 0);
    unreported_free(&unreported);
}

static void several_windows_between_two_reports_are_summed(void **state)
{
    (void)state;
    struct unreported unreported = {0};
    assert_true(unreported_reserve(&unreported, 1));
    unreported_keep(&unreported, 0, 10, 1);
    unreported_keep(&unreported, 0, 20, 2);
    unreported_keep(&unreported, 0, 30, 3);
    expect_reported(&unreported, 0, 0, 4, 60, 10);
    unreported_keep(&unreported, 0, 0, 4);
    expect_reported(&unreported, 0, 0, 0, 0, 0);
    unreported_free(&unreported);
}

static void service_that_never_comes_back_makes_no_sum_wrap(void **state)
{
    (void)state;
    struct unreported unreported = {0};
    assert_true(unreported_reserve(&unreported, 1));
    for (int i = 0; i < 5; i++)
        unreported_keep(&unreported, 0, UINT32_MAX / 2, UINT32_MAX);
    expect_reported(&unreported, 0, UINT32_MAX, 1, UINT32_MAX, UINT32_MAX);
    unreported_free(&unreported);
}

static void forgotten_host_leaves_nothing_to_the_next_one_of_its_number(void **state)
{
    (void)state;
    struct unreported unreported = {0};
    uint32_t route;
    assert_true(unreported_reserve(&unreported, 1));
    expect_reported(&unreported, 0, 10, 1, 10, 1);
    unreported_keep(&unreported, 0, 14, 3);
    unreported_add_route(&unreported, 0, URGENCY_NONE);
    unreported_forget(&unreported, 0);
    expect_reported(&unreported, 0, 1, 1, 1, 1);
    unreported_add_route(&unreported, 0, URGENCY_NONE); /* it waits already */
    assert_true(take_in_turn(&unreported, &route));
    assert_false(take_in_turn(&unreported, &route));
    unreported_free(&unreported);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(route_with_new_results_waits_once_and_the_longest_waiting_goes_first),
        cmocka_unit_test(more_room_keeps_the_order_of_those_who_wait),
        cmocka_unit_test(all_may_wait_at_once_again_and_again),
        cmocka_unit_test(round_has_the_routes_that_waited_when_it_began_each_once),
        cmocka_unit_test(failures_of_a_route_are_reported_out_of_turn_once_between_rounds),
        cmocka_unit_test(change_of_state_is_reported_out_of_turn_each_time),
        cmocka_unit_test(what_was_reported_out_of_turn_is_not_reported_again_in_turn),
        cmocka_unit_test(counts_that_go_on_are_reported_as_they_are),
        cmocka_unit_test(what_came_between_the_last_report_and_a_new_window_is_reported_once),
        cmocka_unit_test(several_windows_between_two_reports_are_summed),
        cmocka_unit_test(service_that_never_comes_back_makes_no_sum_wrap),
        cmocka_unit_test(forgotten_host_leaves_nothing_to_the_next_one_of_its_number),
    };
    return cmocka_run_group_tests_name("unit/fetcher/unreported", tests, NULL, NULL);
}
