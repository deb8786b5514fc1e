/* SPDX-License-Identifier: MIT */
/* [fetcher] empty_hold: an answer that would empty a route is held down. */
#include <signal.h>
#include <sys/mman.h>

#include "tests/support/fixture.h"

enum {
    HOLD_S = 1,
    HOLD_MS = HOLD_S * 1000,
    LONG_S = 3600,
    SOON_MS = 100,
    QUIET_MS = 300,
};

static bool held(struct fixture *fixture)
{
    return fetcher_shows_held(&fixture->fetcher, route_key(7, 7)) &&
           fetcher_counter(&fixture->fetcher, COUNTER_held) == 1;
}

static bool gone(struct fixture *fixture)
{
    return fixture_lookup(fixture, 7, 7) == LARSHM_NOEXIST;
}

/* Route 7/7 with four hosts, and an answer without any; returns when that was given. */
static uint64_t begin_hold(struct fixture *fixture, unsigned empty_hold)
{
    fixture->fetcher.config.empty_hold = empty_hold;
    fixture_connect_with_good_route(fixture);
    uint64_t when = clock_tick();
    directory_deny(&fixture->directory, 7, 7);
    eventually(held(fixture) || gone(fixture));
    return when;
}

static void expect_not_held(struct fixture *fixture)
{
    assert_false(fetcher_shows_held(&fixture->fetcher, route_key(7, 7)));
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_held), 0);
}

static void reload(struct fixture *fixture)
{
    fetcher_configure(&fixture->fetcher);
    process_signal(&fixture->fetcher.process, SIGHUP);
}

static void empty_answer_ends_a_route_at_once_without_empty_hold(void **state)
{
    struct fixture *fixture = *state;
    begin_hold(fixture, 0);
    assert_true(gone(fixture));
    expect_not_held(fixture);
}

static void empty_answer_is_held_down_shown_and_routes_are_served(void **state)
{
    struct fixture *fixture = *state;
    begin_hold(fixture, LONG_S);
    assert_true(held(fixture));
    assert_false(fixture_info(fixture, 7, 7).pulling);
    throughout(QUIET_MS, fixture_serves_good_route(fixture));
    assert_int_equal(
        process_said(&fixture->fetcher.process, "route 7/7: an answer without hosts is held back"), 1);
}

static void empty_answer_for_a_route_without_hosts_is_not_held(void **state)
{
    struct fixture *fixture = *state;
    fixture->fetcher.config.empty_hold = LONG_S;
    fixture_connect(fixture);
    assert_int_equal(fixture_lookup(fixture, 7, 7), LARSHM_PENDING);
    directory_expect(&fixture->directory, 7, 7);
    for (int i = 0; i < 2; i++) {
        directory_deny(&fixture->directory, 7, 7);
        eventually(fetcher_counter(&fixture->fetcher, COUNTER_answers) > (uint64_t)i);
        eventually(gone(fixture)); /* an answer is counted before it is published */
        expect_not_held(fixture);
    }
}

static void answer_with_hosts_ends_the_hold_for_good(void **state)
{
    struct fixture *fixture = *state;
    begin_hold(fixture, HOLD_S);
    fixture_answer(fixture, 7, 7, 2, 81);
    eventually(fixture_serves(fixture, 7, 7, 2, 81));
    expect_not_held(fixture);
    throughout(HOLD_MS + SOON_MS, fixture_serves(fixture, 7, 7, 2, 81));
}

static void same_hosts_again_end_the_hold_as_well(void **state)
{
    struct fixture *fixture = *state;
    begin_hold(fixture, LONG_S);
    fixture_answer(fixture, 7, 7, 4, 7000);
    eventually(!held(fixture));
    expect_not_held(fixture);
    assert_true(fixture_serves_good_route(fixture));
}

static void route_is_gone_when_the_time_is_over_whatever_empty_answers_come_meanwhile(void **state)
{
    struct fixture *fixture = *state;
    uint64_t begun = begin_hold(fixture, HOLD_S);
    uint64_t deadline = begun + EVENTUALLY_MS;
    while (!gone(fixture)) {
        assert_true(clock_tick() < deadline);
        directory_deny(&fixture->directory, 7, 7);
        pause_ms(SOON_MS);
    }
    assert_true(clock_tick() >= begun + HOLD_MS);
    expect_not_held(fixture);
    assert_int_equal(process_said(&fixture->fetcher.process, "route 7/7: no hosts within empty_hold"), 1);
    fixture_answer(fixture, 7, 7, 2, 81);
    eventually(fixture_serves(fixture, 7, 7, 2, 81));
}

/* A table that is not confirmed looks older and older; that must not make a request out of each lookup. */
static void held_route_is_asked_for_once_per_update_timeout(void **state)
{
    struct fixture *fixture = *state;
    struct route_key key;
    fixture->fetcher.config.update_timeout = 1;
    uint64_t answered = begin_hold(fixture, LONG_S);
    for (int round = 0; round < 2; round++) {
        fixture_lookup_until_asked(fixture, 7, 7);
        assert_true(clock_tick() >= answered + 1000);
        uint64_t answers = fetcher_counter(&fixture->fetcher, COUNTER_answers);
        answered = clock_tick();
        directory_deny(&fixture->directory, 7, 7);
        eventually(fetcher_counter(&fixture->fetcher, COUNTER_answers) > answers);
        assert_false(fixture_info(fixture, 7, 7).pulling);
    }
    for (int i = 0; i < 20; i++) {
        assert_int_equal(fixture_lookup(fixture, 7, 7), LARSHM_OK);
        assert_false(directory_takes(&fixture->directory, 10, &key));
    }
    assert_true(held(fixture));
}

static void held_route_is_asked_for_after_a_reconnect(void **state)
{
    struct fixture *fixture = *state;
    begin_hold(fixture, LONG_S);
    directory_reset(&fixture->directory);
    directory_accept(&fixture->directory);
    directory_expect(&fixture->directory, 7, 7);
    assert_true(held(fixture));
    fixture_answer(fixture, 7, 7, 2, 81);
    eventually(fixture_serves(fixture, 7, 7, 2, 81));
    expect_not_held(fixture);
}

static void hold_is_kept_in_a_new_generation(void **state)
{
    struct fixture *fixture = *state;
    uint64_t generation;
    begin_hold(fixture, LONG_S);
    generation = fetcher_generation(&fixture->fetcher);
    assert_int_equal(shm_unlink(fixture->fetcher.names.routes), 0);
    eventually(fetcher_generation(&fixture->fetcher) > generation);
    assert_true(held(fixture));
    fixture_answer(fixture, 7, 7, 2, 81);
    eventually(fixture_serves(fixture, 7, 7, 2, 81));
    expect_not_held(fixture);
}

static void fetcher_that_starts_asks_again_and_holds_nothing(void **state)
{
    struct fixture *fixture = *state;
    begin_hold(fixture, LONG_S);
    process_kill(&fixture->fetcher.process);
    fixture_start(fixture);
    expect_not_held(fixture);
    assert_true(fixture_serves_good_route(fixture));
    directory_accept(&fixture->directory);
    directory_expect(&fixture->directory, 7, 7);
    directory_deny(&fixture->directory, 7, 7);
    eventually(held(fixture));
}

static void reload_without_a_hold_ends_every_one(void **state)
{
    struct fixture *fixture = *state;
    begin_hold(fixture, LONG_S);
    fixture->fetcher.config.empty_hold = 0;
    reload(fixture);
    eventually(gone(fixture));
    expect_not_held(fixture);
}

static void reload_changes_how_long_is_held(void **state)
{
    struct fixture *fixture = *state;
    uint64_t begun = begin_hold(fixture, LONG_S);
    fixture->fetcher.config.empty_hold = HOLD_S;
    reload(fixture);
    eventually(gone(fixture));
    assert_true(clock_tick() >= begun + HOLD_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(empty_answer_ends_a_route_at_once_without_empty_hold),
        fixture_test(empty_answer_is_held_down_shown_and_routes_are_served),
        fixture_test(empty_answer_for_a_route_without_hosts_is_not_held),
        fixture_test(answer_with_hosts_ends_the_hold_for_good),
        fixture_test(same_hosts_again_end_the_hold_as_well),
        fixture_test(route_is_gone_when_the_time_is_over_whatever_empty_answers_come_meanwhile),
        fixture_test(held_route_is_asked_for_once_per_update_timeout),
        fixture_test(held_route_is_asked_for_after_a_reconnect),
        fixture_test(hold_is_kept_in_a_new_generation),
        fixture_test(fetcher_that_starts_asks_again_and_holds_nothing),
        fixture_test(reload_without_a_hold_ends_every_one),
        fixture_test(reload_changes_how_long_is_held),
    };
    return cmocka_run_group_tests_name("integration/hold_down", tests, NULL, NULL);
}
