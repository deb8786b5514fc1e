/* SPDX-License-Identifier: MIT */
/* [fetcher] empty_hold and max_drop: an answer that takes too many of a route's hosts away is held back. */
#include <signal.h>
#include <sys/mman.h>

#include "tests/support/admin.h"
#include "tests/support/fixture.h"

enum {
    HOLD_S = 1,
    HOLD_MS = HOLD_S * 1000,
    LONG_S = 3600,
    SOON_MS = 100,
    QUIET_MS = 300,
    MANY = 8, /* hosts of the route that max_drop is about */
    PORT = 8000,
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

static void nor_is_any_answer_held_back_by_the_rules_of_lars(void **state)
{
    struct fixture *fixture = *state;
    fixture->fetcher.config.more = "[loadbalance]\nrules = lars\n";
    begin_hold(fixture, LONG_S);
    assert_true(gone(fixture));
    expect_not_held(fixture);
}

static void g9_empty_answer_is_held_back_shown_and_logged_and_the_hosts_are_served(void **state)
{
    struct fixture *fixture = *state;
    begin_hold(fixture, LONG_S);
    assert_true(held(fixture));
    assert_false(fixture_info(fixture, 7, 7).pulling);
    throughout(QUIET_MS, fixture_serves_good_route(fixture));
    assert_int_equal(
        process_said(&fixture->fetcher.process, "route 7/7: an answer without hosts is held back"), 1);
}

/* No lookup, no reconnect and no push: the hold itself finds out. */
static void g9_route_that_is_emptied_for_a_moment_is_requested_again_and_no_program_notices(void **state)
{
    struct fixture *fixture = *state;
    begin_hold(fixture, LONG_S);
    directory_expect(&fixture->directory, 7, 7);
    assert_true(fixture_serves_good_route(fixture));
    fixture_answer(fixture, 7, 7, 4, 7000);
    eventually(!held(fixture));
    expect_not_held(fixture);
    assert_true(fixture_serves_good_route(fixture));
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

static void
route_that_is_emptied_for_good_is_gone_after_empty_hold_whatever_empty_answers_come_meanwhile(void **state)
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
    assert_int_equal(
        process_said(&fixture->fetcher.process, "route 7/7: the hold is over without a better answer"), 1);
    fixture_answer(fixture, 7, 7, 2, 81);
    eventually(fixture_serves(fixture, 7, 7, 2, 81));
}

/* Each pause is twice as long as the one before, less up to a half by chance. A table that is not confirmed looks older
 * and older; once the hold leaves it alone, that must not make a request out of each lookup. */
static void held_route_is_requested_more_and_more_seldom_and_on_lookup_once_per_update_timeout(void **state)
{
    struct fixture *fixture = *state;
    struct route_key key;
    fixture->fetcher.config.update_timeout = 1;
    uint64_t answered = begin_hold(fixture, LONG_S);
    for (uint64_t least = 500; least <= 2000; least *= 2) {
        directory_expect(&fixture->directory, 7, 7);
        assert_true(clock_tick() >= answered + least);
        answered = clock_tick();
        directory_deny(&fixture->directory, 7, 7);
    }
    fixture_lookup_until_asked(fixture, 7, 7);
    assert_true(clock_tick() >= answered + 1000);
    uint64_t answers = fetcher_counter(&fixture->fetcher, COUNTER_answers);
    directory_deny(&fixture->directory, 7, 7);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_answers) > answers);
    eventually(!fixture_info(fixture, 7, 7).pulling);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(fixture_lookup(fixture, 7, 7), LARSHM_OK);
        assert_false(directory_takes(&fixture->directory, 10, &key));
    }
    assert_true(held(fixture));
}

/* ---- max_drop ---- */

/* Route 7/7 with MANY hosts. */
static void begin_many(struct fixture *fixture, unsigned empty_hold, unsigned max_drop)
{
    fixture->fetcher.config.empty_hold = empty_hold;
    fixture->fetcher.config.max_drop = max_drop;
    fixture_connect(fixture);
    fixture_learn(fixture, 7, 7, MANY, PORT);
}

static bool serves(struct fixture *fixture, uint32_t count)
{
    return fixture_serves(fixture, 7, 7, count, PORT);
}

static void g9_answer_that_takes_away_more_than_max_drop_is_held_back_and_as_much_is_not(void **state)
{
    struct fixture *fixture = *state;
    begin_many(fixture, LONG_S, 50);
    fixture_answer(fixture, 7, 7, 3, PORT);
    eventually(held(fixture));
    throughout(QUIET_MS, serves(fixture, MANY));
    assert_int_equal(process_said(&fixture->fetcher.process,
                                  "route 7/7: an answer that takes away 5 of 8 hosts is held back"),
                     1);
    fixture_answer(fixture, 7, 7, 4, PORT);
    eventually(serves(fixture, 4));
    expect_not_held(fixture);
}

static void other_hosts_in_place_of_too_many_are_held_back_as_well(void **state)
{
    struct fixture *fixture = *state;
    begin_many(fixture, LONG_S, 50);
    fixture_answer(fixture, 7, 7, MANY, PORT + 1);
    eventually(held(fixture));
    assert_true(serves(fixture, MANY));
    fixture_answer(fixture, 7, 7, MANY + 1, PORT + 1); /* nor are more of them better */
    throughout(QUIET_MS, held(fixture) && serves(fixture, MANY));
}

static void last_of_the_answers_that_were_held_back_is_believed_in_the_end(void **state)
{
    struct fixture *fixture = *state;
    begin_many(fixture, HOLD_S, 50);
    uint64_t begun = clock_tick();
    fixture_answer(fixture, 7, 7, 3, PORT);
    directory_deny(&fixture->directory, 7, 7);
    fixture_answer(fixture, 7, 7, 2, PORT);
    eventually(serves(fixture, 2));
    assert_true(clock_tick() >= begun + HOLD_MS);
    expect_not_held(fixture);
}

static void max_drop_leaves_routes_of_fewer_than_5_hosts_alone(void **state)
{
    struct fixture *fixture = *state;
    fixture->fetcher.config.max_drop = 1;
    fixture->fetcher.config.empty_hold = LONG_S;
    fixture_connect_with_good_route(fixture);
    fixture_answer(fixture, 7, 7, 1, 7000);
    eventually(fixture_serves(fixture, 7, 7, 1, 7000));
    expect_not_held(fixture);
}

static void by_default_any_host_that_is_left_is_believed(void **state)
{
    struct fixture *fixture = *state;
    begin_many(fixture, LONG_S, 100);
    fixture_answer(fixture, 7, 7, 1, PORT);
    eventually(serves(fixture, 1));
    expect_not_held(fixture);
}

static void reload_of_max_drop_ends_what_it_allows_now(void **state)
{
    struct fixture *fixture = *state;
    begin_many(fixture, LONG_S, 50);
    fixture_answer(fixture, 7, 7, 3, PORT);
    eventually(held(fixture));
    fixture->fetcher.config.max_drop = 70;
    reload(fixture);
    eventually(serves(fixture, 3));
    expect_not_held(fixture);
}

/* ---- operators ---- */

static const char *accept_route(const struct fixture *fixture, int modid)
{
    return admin_command(&fixture->fetcher, "{\"version\":1,\"command\":\"accept\",\"modid\":%d,\"cmdid\":7}",
                         modid);
}

static void operator_accepts_what_is_held_back_and_nothing_else(void **state)
{
    struct fixture *fixture = *state;
    begin_many(fixture, LONG_S, 50);
    assert_string_equal(accept_route(fixture, 7), "no_hold");
    assert_string_equal(accept_route(fixture, 8), "no_such_route");
    fixture_answer(fixture, 7, 7, 2, PORT);
    eventually(held(fixture));
    assert_string_equal(accept_route(fixture, 7), "ok");
    assert_true(serves(fixture, 2));
    expect_not_held(fixture);
    directory_deny(&fixture->directory, 7, 7);
    eventually(held(fixture));
    assert_string_equal(accept_route(fixture, 7), "ok");
    assert_true(gone(fixture));
    assert_string_equal(accept_route(fixture, 7), "no_hold");
}

/* ---- what else happens meanwhile ---- */

static void held_route_is_requested_after_a_reconnect(void **state)
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

static void g9_fetcher_that_follows_a_killed_one_requests_again_and_begins_the_hold_again(void **state)
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
        fixture_test(nor_is_any_answer_held_back_by_the_rules_of_lars),
        fixture_test(g9_empty_answer_is_held_back_shown_and_logged_and_the_hosts_are_served),
        fixture_test(g9_route_that_is_emptied_for_a_moment_is_requested_again_and_no_program_notices),
        fixture_test(empty_answer_for_a_route_without_hosts_is_not_held),
        fixture_test(answer_with_hosts_ends_the_hold_for_good),
        fixture_test(same_hosts_again_end_the_hold_as_well),
        fixture_test(
            route_that_is_emptied_for_good_is_gone_after_empty_hold_whatever_empty_answers_come_meanwhile),
        fixture_test(held_route_is_requested_more_and_more_seldom_and_on_lookup_once_per_update_timeout),
        fixture_test(g9_answer_that_takes_away_more_than_max_drop_is_held_back_and_as_much_is_not),
        fixture_test(other_hosts_in_place_of_too_many_are_held_back_as_well),
        fixture_test(last_of_the_answers_that_were_held_back_is_believed_in_the_end),
        fixture_test(max_drop_leaves_routes_of_fewer_than_5_hosts_alone),
        fixture_test(by_default_any_host_that_is_left_is_believed),
        fixture_test(reload_of_max_drop_ends_what_it_allows_now),
        fixture_test(operator_accepts_what_is_held_back_and_nothing_else),
        fixture_test(held_route_is_requested_after_a_reconnect),
        fixture_test(hold_is_kept_in_a_new_generation),
        fixture_test(g9_fetcher_that_follows_a_killed_one_requests_again_and_begins_the_hold_again),
        fixture_test(reload_without_a_hold_ends_every_one),
        fixture_test(reload_changes_how_long_is_held),
    };
    return cmocka_run_group_tests_name("integration/holds", tests, NULL, NULL);
}
