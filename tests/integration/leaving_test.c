/* SPDX-License-Identifier: MIT */
/* Routes that leave the cache: those that no program has looked up for unused_timeout, and those that an operator forgets. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/admin.h"
#include "tests/support/fixture.h"

enum {
    GOOD = 7, /* of the fixture: 7/7 */
};

static void set_timeout(struct fixture *fixture, unsigned timeout_s)
{
    static char line[64];
    snprintf(line, sizeof(line), "[fetcher]\nunused_timeout = %u\n", timeout_s);
    fixture->fetcher.config.more = line;
}

/* Nothing more leaves, however slow the machine is. */
static void end_timeout(struct fixture *fixture)
{
    unsigned reloads = process_said(&fixture->fetcher.process, "reloaded");
    set_timeout(fixture, 0);
    fetcher_configure(&fixture->fetcher);
    process_signal(&fixture->fetcher.process, SIGHUP);
    eventually(process_said(&fixture->fetcher.process, "reloaded") > reloads);
}

static uint64_t left(const struct fixture *fixture)
{
    return fetcher_counter(&fixture->fetcher, COUNTER_unused);
}

static bool is_cached(struct fixture *fixture, uint32_t modid)
{
    larshm_route_info info = {0};
    return larshm_info(fixture->client, modid, modid, &info) == LARSHM_OK;
}

/* Answers requests as they come. */
static void answer_all(struct fixture *fixture, int port)
{
    struct route_key key;
    while (directory_takes(&fixture->directory, LOOK_EVERY_MS, &key))
        fixture_answer(fixture, key.modid, key.cmdid, 4, port);
}

static const char *forget(const struct fixture *fixture, uint32_t modid)
{
    return admin_command(&fixture->fetcher,
                         "{\"version\":1,\"command\":\"forget\",\"modid\":%u,\"cmdid\":%u}", modid, modid);
}

/* Has a routes object made without what leaves. */
static void make_generation(struct fixture *fixture)
{
    fixture_learn(fixture, 10, 10, 1, 80);
    assert_string_equal(forget(fixture, 10), "ok");
    eventually(!is_cached(fixture, 10));
}

/* ---- unused_timeout ---- */

static void used_route_stays_and_an_unused_one_leaves_whether_it_is_pushed_or_not(void **state)
{
    struct fixture *fixture = *state;
    set_timeout(fixture, 2);
    fixture_connect_with_good_route(fixture);
    fixture_learn(fixture, 8, 8, 4, 80);
    fixture_learn(fixture, 9, 9, 4, 80);
    for (int round = 0; left(fixture) < 2; round++) {
        assert_true(round < EVENTUALLY_MS / LOOK_EVERY_MS);
        fixture_answer(fixture, 9, 9, 4, 1000 + round);
        fixture_answer(fixture, GOOD, GOOD, 4, 7000);
        assert_int_equal(fixture_lookup(fixture, GOOD, GOOD), LARSHM_OK);
        answer_all(fixture, 7000);
    }
    end_timeout(fixture);
    assert_true(process_said(&fixture->fetcher.process, "leaves: no program has looked it up") > 0);

    directory_reset(&fixture->directory);
    directory_accept(&fixture->directory);
    directory_expect(&fixture->directory, GOOD, GOOD);
    fixture_answer(fixture, GOOD, GOOD, 4, 7000);
    directory_expect_nothing(&fixture->directory, 300);
    make_generation(fixture);
    assert_false(is_cached(fixture, 8) || is_cached(fixture, 9));
    assert_true(fixture_serves_good_route(fixture));
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_routes), 1);
    assert_int_equal(left(fixture), 2);
}

static void route_that_is_looked_up_after_it_left_stays(void **state)
{
    struct fixture *fixture = *state;
    set_timeout(fixture, 1);
    fixture_connect_with_good_route(fixture);
    fixture_learn(fixture, 8, 8, 4, 80);
    eventually(left(fixture) == 2);
    end_timeout(fixture);
    assert_true(fixture_serves_good_route(fixture));
    directory_expect(&fixture->directory, GOOD, GOOD);
    fixture_answer(fixture, GOOD, GOOD, 4, 7000);
    make_generation(fixture);
    assert_true(fixture_serves_good_route(fixture));
    assert_false(is_cached(fixture, 8));
}

static void start_of_the_fetcher_counts_as_use(void **state)
{
    struct fixture *fixture = *state;
    set_timeout(fixture, 1);
    fixture_connect_with_good_route(fixture);
    eventually(left(fixture) == 1);
    process_kill(&fixture->fetcher.process);
    fixture_start(fixture);
    directory_accept(&fixture->directory);
    directory_expect(&fixture->directory, GOOD, GOOD);
    fixture_answer(fixture, GOOD, GOOD, 4, 7000);
    assert_true(is_cached(fixture, GOOD));
    eventually(left(fixture) == 2);
}

/* ---- forget ---- */

static void forgotten_route_is_gone_soon_and_requested_like_a_new_one(void **state)
{
    struct fixture *fixture = *state;
    fixture_connect_with_good_route(fixture);
    fixture_learn(fixture, 8, 8, 4, 80);
    assert_string_equal(forget(fixture, 8), "ok");
    eventually(!is_cached(fixture, 8));
    assert_true(fixture_serves_good_route(fixture));
    fixture_answer(fixture, 8, 8, 4, 81); /* the directory knows nothing of it */
    fixture_answer(fixture, GOOD, GOOD, 4, 7000);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_pushes) == 2);
    assert_false(is_cached(fixture, 8));
    fixture_learn(fixture, 8, 8, 2, 82);
    fixture_answer(fixture, 8, 8, 2, 83);
    eventually(fixture_serves(fixture, 8, 8, 2, 83));
    assert_string_equal(forget(fixture, 11), "no_such_route");
}

static void request_and_hold_of_a_forgotten_route_end(void **state)
{
    struct fixture *fixture = *state;
    fixture->fetcher.config.empty_hold = 600;
    fixture_connect_with_good_route(fixture);
    directory_deny(&fixture->directory, GOOD, GOOD);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_held) == 1);
    directory_expect(&fixture->directory, GOOD, GOOD); /* again, for the hold */
    assert_string_equal(forget(fixture, GOOD), "ok");
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_held) == 0);
    eventually(!is_cached(fixture, GOOD));
    fixture_answer(fixture, GOOD, GOOD, 4, 7000);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_pushes) == 2);
    assert_false(is_cached(fixture, GOOD));
    assert_int_equal(process_said(&fixture->fetcher.process, "the hold is over"), 0);
    fixture_learn(fixture, GOOD, GOOD, 4, 7001);
}

static void drain_outlives_that_its_route_is_forgotten(void **state)
{
    struct fixture *fixture = *state;
    fixture_connect_with_good_route(fixture);
    assert_string_equal(admin_command(&fixture->fetcher,
                                      "{\"version\":1,\"command\":\"drain\",\"modid\":7,\"cmdid\":7,"
                                      "\"host\":\"10.0.0.3:7000\"}"),
                        "ok");
    assert_string_equal(forget(fixture, GOOD), "ok");
    eventually(!is_cached(fixture, GOOD));
    fetcher_stop(&fixture->fetcher);
    fixture_start(fixture);
    directory_accept(&fixture->directory);
    fixture_lookup_until_asked(fixture, GOOD, GOOD);
    fixture_answer(fixture, GOOD, GOOD, 4, 7000);
    eventually(fixture_lookup(fixture, GOOD, GOOD) == LARSHM_OK);
    for (int i = 0; i < 100; i++) {
        larshm_host host;
        assert_int_equal(larshm_get_host(fixture->client, GOOD, GOOD, &host), LARSHM_OK);
        assert_int_not_equal(ntohl(host.addr) & 0xff, 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(used_route_stays_and_an_unused_one_leaves_whether_it_is_pushed_or_not),
        fixture_test(route_that_is_looked_up_after_it_left_stays),
        fixture_test(start_of_the_fetcher_counts_as_use),
        fixture_test(forgotten_route_is_gone_soon_and_requested_like_a_new_one),
        fixture_test(request_and_hold_of_a_forgotten_route_end),
        fixture_test(drain_outlives_that_its_route_is_forgotten),
    };
    return cmocka_run_group_tests_name("integration/leaving", tests, NULL, NULL);
}
