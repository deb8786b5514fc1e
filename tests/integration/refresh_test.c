/* SPDX-License-Identifier: MIT */
/* The rules of fetcher/refresh.h, as a directory and a client see them. */
#include <pthread.h>

#include "tests/support/fixture.h"

enum {
    QUIET_MS = 200, /* in which a fetcher that polls every 5 ms would long have sent something */
    THREADS = 4,
    LOOKUPS = 20000,
    MANY = 30,
    LARGE = 3000, /* hosts: fewer than fifty such routes fill 1 MB */
};

static void rule_1_unknown_route_is_asked_for_once_and_is_pending_meanwhile(void **state)
{
    struct fixture *fixture = *state;
    fixture_connect(fixture);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(fixture_lookup(fixture, 1, 2), LARSHM_PENDING);
    directory_expect(&fixture->directory, 1, 2);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(fixture_lookup(fixture, 1, 2), LARSHM_PENDING);
    directory_expect_nothing(&fixture->directory, QUIET_MS);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_requests), 1);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_pulling), 1);
}

static void rule_1_holds_for_the_largest_numbers_too(void **state)
{
    struct fixture *fixture = *state;
    fixture_connect(fixture);
    fixture_learn(fixture, 0, 0, 1, 80);
    fixture_learn(fixture, UINT32_MAX, 0, 2, 81);
    fixture_learn(fixture, 0x80000000, 0x7fffffff, 3, 82);
    assert_int_equal(fixture_lookup(fixture, UINT32_MAX, UINT32_MAX), LARSHM_NOEXIST);
    directory_expect_nothing(&fixture->directory, QUIET_MS);
}

static void rule_2_answer_with_hosts_replaces_the_table_and_is_new(void **state)
{
    struct fixture *fixture = *state;
    fixture_connect(fixture);
    fixture_learn(fixture, 1, 2, 3, 80);
    larshm_route_info first = fixture_info(fixture, 1, 2);
    assert_false(first.pulling);
    assert_false(first.expired);

    fixture_answer(fixture, 1, 2, 5, 81);
    eventually(fixture_serves(fixture, 1, 2, 5, 81));
    assert_true(fixture_info(fixture, 1, 2).version > first.version);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_routes), 1);
}

static void rule_2_the_same_hosts_again_only_make_the_route_younger(void **state)
{
    struct fixture *fixture = *state;
    fixture->fetcher.config.update_timeout = 1;
    fixture_connect(fixture);
    fixture_learn(fixture, 1, 2, 3, 80);
    uint64_t version = fixture_info(fixture, 1, 2).version;
    fixture_lookup_until_asked(fixture, 1, 2);
    fixture_answer(fixture, 1, 2, 3, 80);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_refreshes) == 1);
    assert_int_equal(fixture_info(fixture, 1, 2).version, version);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_publishes), 1);
    assert_true(fixture_info(fixture, 1, 2).age_ms < 60000);
}

static void rule_3_answer_without_hosts_ends_the_route_and_hosts_bring_it_back(void **state)
{
    struct fixture *fixture = *state;
    fixture_connect(fixture);
    fixture_learn(fixture, 1, 2, 3, 80);
    directory_deny(&fixture->directory, 1, 2);
    eventually(fixture_lookup(fixture, 1, 2) == LARSHM_NOEXIST);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_routes), 0);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_negative), 1);

    fixture_answer(fixture, 1, 2, 2, 81);
    eventually(fixture_serves(fixture, 1, 2, 2, 81));
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_routes), 1);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_negative), 0);
}

static void rule_4_expired_route_is_answered_at_once_and_asked_for_once(void **state)
{
    struct fixture *fixture = *state;
    fixture->fetcher.config.update_timeout = 1;
    fixture_connect(fixture);
    fixture_learn(fixture, 1, 2, 3, 80);
    eventually(fixture_info(fixture, 1, 2).expired);
    /* Age alone moves nothing: it takes a lookup. */
    directory_expect_nothing(&fixture->directory, QUIET_MS);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(fixture_lookup(fixture, 1, 2), LARSHM_OK);
    fixture_lookup_until_asked(fixture, 1, 2);
    assert_true(fixture_info(fixture, 1, 2).pulling);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(fixture_lookup(fixture, 1, 2), LARSHM_OK);
    directory_expect_nothing(&fixture->directory, QUIET_MS);

    fixture_answer(fixture, 1, 2, 4, 81);
    eventually(fixture_serves(fixture, 1, 2, 4, 81));
    assert_false(fixture_info(fixture, 1, 2).pulling);
}

static void rule_4_young_route_is_not_asked_for(void **state)
{
    struct fixture *fixture = *state;
    fixture_connect(fixture);
    fixture_learn(fixture, 1, 2, 3, 80);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(fixture_lookup(fixture, 1, 2), LARSHM_OK);
    directory_expect_nothing(&fixture->directory, QUIET_MS);
}

static void *look_up_often(void *argument)
{
    struct fixture *fixture = argument;
    uintptr_t failures = 0;
    for (int i = 0; i < LOOKUPS; i++)
        failures += fixture_lookup(fixture, 1, 2) != LARSHM_OK;
    return (void *)failures;
}

static void rule_5_a_route_that_is_pulling_is_not_asked_for_by_any_number_of_lookups(void **state)
{
    struct fixture *fixture = *state;
    pthread_t threads[THREADS];
    fixture->fetcher.config.update_timeout = 1;
    fixture_connect(fixture);
    fixture_learn(fixture, 1, 2, 3, 80);
    fixture_lookup_until_asked(fixture, 1, 2);
    assert_true(fixture_info(fixture, 1, 2).pulling);

    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, look_up_often, fixture), 0);
    for (int i = 0; i < THREADS; i++) {
        void *failures;
        assert_int_equal(pthread_join(threads[i], &failures), 0);
        assert_null(failures);
    }
    directory_expect_nothing(&fixture->directory, QUIET_MS);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_requests), 2);
}

static void rule_6_after_a_reconnect_a_pulling_route_is_new_and_asked_for_again(void **state)
{
    struct fixture *fixture = *state;
    fixture->fetcher.config.update_timeout = 1;
    fixture_connect(fixture);
    fixture_learn(fixture, 1, 2, 3, 80);
    fixture_lookup_until_asked(fixture, 1, 2);
    assert_true(fixture_info(fixture, 1, 2).pulling);

    directory_refuse(&fixture->directory);
    eventually(!fixture_info(fixture, 1, 2).connected);
    assert_true(fixture_serves(fixture, 1, 2, 3, 80));
    directory_listen(&fixture->directory);
    directory_accept(&fixture->directory);
    directory_expect(&fixture->directory, 1, 2);
    fixture_answer(fixture, 1, 2, 4, 81);
    eventually(fixture_serves(fixture, 1, 2, 4, 81));
    assert_false(fixture_info(fixture, 1, 2).pulling);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_pulling), 0);
}

static void rule_6_an_unknown_route_that_was_being_pulled_can_be_asked_for_again(void **state)
{
    struct fixture *fixture = *state;
    fixture_connect(fixture);
    assert_int_equal(fixture_lookup(fixture, 1, 2), LARSHM_PENDING);
    directory_expect(&fixture->directory, 1, 2);
    directory_hang_up(&fixture->directory);
    directory_accept(&fixture->directory);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_pulling) == 0);
    fixture_learn(fixture, 1, 2, 3, 80);
}

static void every_known_route_is_asked_for_again_after_a_reconnect_each_once(void **state)
{
    struct fixture *fixture = *state;
    bool seen[MANY] = {0};
    fixture_connect(fixture);
    for (uint32_t i = 0; i < MANY; i++)
        fixture_learn(fixture, 1, i, 1, 80);
    directory_hang_up(&fixture->directory);
    directory_accept(&fixture->directory);
    for (int i = 0; i < MANY; i++) {
        struct route_key key;
        assert_true(directory_takes(&fixture->directory, EVENTUALLY_MS, &key));
        assert_int_equal(key.modid, 1);
        assert_in_range(key.cmdid, 0, MANY - 1);
        assert_false(seen[key.cmdid]);
        seen[key.cmdid] = true;
    }
    directory_expect_nothing(&fixture->directory, QUIET_MS);
}

/* 10 a second, however many the directory would take. A slow machine only makes it longer. */
static void asking_again_is_spread_over_seconds(void **state)
{
    struct fixture *fixture = *state;
    struct route_key key;
    fixture_connect(fixture);
    for (uint32_t i = 0; i < MANY; i++)
        fixture_learn(fixture, 1, i, 1, 80);
    uint64_t begin = clock_tick();
    directory_hang_up(&fixture->directory);
    directory_accept(&fixture->directory);
    for (int i = 0; i < MANY; i++)
        assert_true(directory_takes(&fixture->directory, EVENTUALLY_MS, &key));
    assert_true(clock_tick() - begin >= (MANY - 5) * 1000 / 10);
}

static void route_that_was_refreshed_before_its_turn_is_not_asked_for_again(void **state)
{
    struct fixture *fixture = *state;
    struct route_key key;
    fixture->fetcher.config.update_timeout = 1;
    fixture_connect(fixture);
    for (uint32_t i = 0; i < MANY; i++)
        fixture_learn(fixture, 1, i, 1, 80);
    for (uint32_t i = 0; i < MANY; i++)
        eventually(fixture_info(fixture, 1, i).expired);
    directory_hang_up(&fixture->directory);
    directory_accept(&fixture->directory);
    for (uint32_t i = 0; i < MANY; i++)
        assert_int_equal(fixture_lookup(fixture, 1, i), LARSHM_OK);
    for (int i = 0; i < MANY; i++) {
        assert_true(directory_takes(&fixture->directory, EVENTUALLY_MS, &key));
        fixture_answer(fixture, key.modid, key.cmdid, 1, 80);
    }
    directory_expect_nothing(&fixture->directory, 3 * QUIET_MS);
}

static void asking_again_leaves_room_for_what_clients_ask_for(void **state)
{
    struct fixture *fixture = *state;
    struct route_key key = {0};
    int asked_again = -1;
    fixture->fetcher.config.resubscribe_per_second = 20;
    fixture_connect(fixture);
    for (uint32_t i = 0; i < MANY; i++)
        fixture_learn(fixture, 1, i, 1, 80);
    directory_hang_up(&fixture->directory);
    directory_accept(&fixture->directory);
    assert_true(directory_takes(&fixture->directory, EVENTUALLY_MS, &key));
    assert_int_equal(fixture_lookup(fixture, 2, 2), LARSHM_PENDING);
    for (; !route_key_equal(key, route_key(2, 2)); asked_again++)
        assert_true(directory_takes(&fixture->directory, EVENTUALLY_MS, &key));
    assert_true(asked_again < MANY - 1);
}

enum {
    RATE = 20,
    IN_USE = 200,
};

/* Refreshes alone use up the rate, all the time: each route expires in a second, and all of them are looked up. */
static void saturate(struct fixture *fixture)
{
    fixture->fetcher.config.requests_per_second = RATE;
    fixture->fetcher.config.resubscribe_per_second = RATE;
    fixture->fetcher.config.update_timeout = 1;
    fixture_connect(fixture);
    for (uint32_t i = 0; i < IN_USE; i++)
        fixture_answer(fixture, 1, i, 1, 80);
    for (uint32_t i = 0; i < IN_USE; i++)
        eventually(fixture_info(fixture, 1, i).expired);
}

/* Answers the next request while all routes are looked up. */
static struct route_key refresh_one(struct fixture *fixture)
{
    struct route_key key;
    uint64_t deadline = clock_tick() + EVENTUALLY_MS;
    do {
        assert_true(clock_tick() < deadline);
        for (uint32_t i = 0; i < IN_USE; i++)
            assert_int_equal(fixture_lookup(fixture, 1, i), LARSHM_OK);
    } while (!directory_takes(&fixture->directory, LOOK_EVERY_MS, &key));
    fixture_answer(fixture, key.modid, key.cmdid, 1, 80);
    return key;
}

static void rule_1_new_route_is_requested_within_a_second_while_all_known_ones_expire(void **state)
{
    struct fixture *fixture = *state;
    saturate(fixture);
    for (int i = 0; i < RATE; i++)
        refresh_one(fixture);
    for (uint32_t i = 0; i < 3; i++) {
        int before = 0;
        assert_int_equal(fixture_lookup(fixture, 2, i), LARSHM_PENDING);
        while (!route_key_equal(refresh_one(fixture), route_key(2, i)))
            assert_true(++before < RATE);
    }
}

static void rate_that_cannot_refresh_what_is_in_use_is_said(void **state)
{
    struct fixture *fixture = *state;
    saturate(fixture);
    for (int i = 0; i < 3 * RATE && fetcher_counter(&fixture->fetcher, COUNTER_rate_reached) == 0; i++)
        refresh_one(fixture);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_rate_reached), 1);
    assert_int_equal(process_said(&fixture->fetcher.process, "raise [fetcher] requests_per_second"), 1);
    for (uint32_t i = 0; i < IN_USE; i++)
        fixture_answer(fixture, 1, i, 1, 80);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_rate_reached) == 0);
}

/* Answers of 4 kB each: 13 MB, if all were requested at once. */
static void requests_in_flight_are_bounded_by_the_bytes_of_their_answers(void **state)
{
    enum {
        LARGE_ROUTES = 3000,
        HOSTS = 255,
        MEGABYTE = 1 << 20,
    };
    struct fixture *fixture = *state;
    struct route_key key;
    uint32_t requests = 0;
    fixture_connect(fixture);
    for (uint32_t i = 0; i < LARGE_ROUTES; i++)
        fixture_answer(fixture, 1, i, HOSTS, 80);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_routes) == LARGE_ROUTES);
    directory_hang_up(&fixture->directory);
    directory_accept(&fixture->directory);
    while (directory_takes(&fixture->directory, QUIET_MS, &key))
        requests++;
    assert_in_range(requests, MEGABYTE / (HOSTS * 17), 4 * MEGABYTE / (HOSTS * 17));
    fixture_answer(fixture, key.modid, key.cmdid, HOSTS, 80);
    assert_true(directory_takes(&fixture->directory, EVENTUALLY_MS, &key));
}

static void directory_that_is_too_slow_for_what_is_in_use_is_said(void **state)
{
    enum {
        LARGE_ROUTES = 1500, /* in flight are at most half of them */
        HOSTS = 255,
    };
    struct fixture *fixture = *state;
    struct route_key key;
    fixture->fetcher.config.update_timeout = 1;
    fixture_connect(fixture);
    for (uint32_t i = 0; i < LARGE_ROUTES; i++)
        fixture_answer(fixture, 1, i, HOSTS, 80);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_routes) == LARGE_ROUTES);
    for (uint32_t i = 0; i < LARGE_ROUTES; i++)
        eventually(fixture_info(fixture, 1, i).expired);
    uint64_t deadline = clock_tick() + EVENTUALLY_MS;
    while (fetcher_counter(&fixture->fetcher, COUNTER_directory_reached) == 0) {
        pause_ms(10); /* a hundred answers a second */
        assert_true(clock_tick() < deadline);
        for (uint32_t i = 0; i < LARGE_ROUTES; i++)
            assert_int_equal(fixture_lookup(fixture, 1, i), LARSHM_OK);
        if (directory_takes(&fixture->directory, LOOK_EVERY_MS, &key))
            fixture_answer(fixture, key.modid, key.cmdid, HOSTS, 80);
    }
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_rate_reached), 0);
    assert_int_equal(
        process_said(&fixture->fetcher.process, "than the directory answers within update_timeout"), 1);
    for (uint32_t i = 0; i < LARGE_ROUTES; i++)
        fixture_answer(fixture, 1, i, HOSTS, 80);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_directory_reached) == 0);
}

/* All routes are in use, and the directory refreshes half of them while they expire. */
static void every_route_is_refreshed_before_any_is_again_where_the_directory_cannot_follow(void **state)
{
    enum {
        ROUTES = 2000,
        ROUNDS = 3,
        EARLY = 300,                /* answers while routes that were answered at one time expire */
        SLACK = ROUTES / 8 + EARLY, /* flags of the same moment are collected in any order */
    };
    struct fixture *fixture = *state;
    uint32_t queue[ROUTES], requests[ROUTES] = {0}, requested = 0, answered = 0;
    struct route_key key;
    fixture->fetcher.config.update_timeout = 1;
    fixture_connect(fixture);
    for (uint32_t i = 0; i < ROUTES; i++)
        fixture_answer(fixture, 1, i, 1, 80);
    for (uint32_t i = 0; i < ROUTES; i++)
        eventually(fixture_info(fixture, 1, i).expired);
    uint64_t deadline = clock_tick() + EVENTUALLY_MS;
    while (requested < ROUNDS * ROUTES) {
        assert_true(clock_tick() < deadline);
        for (uint32_t i = 0; i < ROUTES; i++)
            assert_int_equal(fixture_lookup(fixture, 1, i), LARSHM_OK);
        while (requested - answered < ROUTES && directory_takes(&fixture->directory, 0, &key)) {
            queue[requested++ % ROUTES] = key.cmdid;
            assert_true(++requests[key.cmdid] <= (requested + SLACK) / ROUTES + 1);
        }
        for (uint32_t i = 0; i < 10 && answered < requested; i++)
            fixture_answer(fixture, 1, queue[answered++ % ROUTES], 1, 80);
        pause_ms(10); /* a thousand answers a second */
    }
}

/* More new routes than the directory answers are looked up all the time, and are under way before a known one expires. */
static void known_routes_are_refreshed_while_new_ones_without_end_wait_for_the_directory(void **state)
{
    enum {
        KNOWN = 20,
        KEPT = 4096 /* more than are under way at a time */
    };
    struct fixture *fixture = *state;
    struct route_key queue[KEPT];
    uint32_t looked_up = 0, requested = 0, answered = 0, refreshed = 0;
    fixture->fetcher.config.update_timeout = 1;
    fixture_connect(fixture);
    for (uint32_t i = 0; i < KNOWN; i++)
        fixture_answer(fixture, 1, i, 1, 80);
    for (uint32_t i = 0; i < KNOWN; i++)
        eventually(fixture_info(fixture, 1, i).expired);
    do
        for (int i = 0; i < KEPT / 8; i++)
            fixture_lookup(fixture, 2, looked_up++);
    while (directory_takes(&fixture->directory, QUIET_MS, &queue[requested]) && ++requested < KEPT / 2);
    for (uint64_t deadline = clock_tick() + EVENTUALLY_MS; refreshed < KNOWN;) {
        assert_true(clock_tick() < deadline);
        for (uint32_t i = 0; i < KNOWN; i++)
            assert_int_equal(fixture_lookup(fixture, 1, i), LARSHM_OK);
        for (int i = 0; i < 100; i++)
            fixture_lookup(fixture, 2, looked_up++);
        while (requested - answered < KEPT &&
               directory_takes(&fixture->directory, LOOK_EVERY_MS, &queue[requested % KEPT]))
            refreshed += queue[requested++ % KEPT].modid == 1;
        const struct route_key key = queue[answered % KEPT];
        if (answered < requested)
            fixture_answer(fixture, key.modid, key.cmdid, 1, 80);
        answered += answered < requested;
    }
}

/* 100 a second, all of them for unknown routes: nothing else wants any. */
static void requests_keep_to_their_rate_and_none_is_forgotten(void **state)
{
    struct fixture *fixture = *state;
    struct route_key key;
    fixture->fetcher.config.requests_per_second = 100;
    fixture->fetcher.config.resubscribe_per_second = 100;
    fixture_connect(fixture);
    uint64_t begin = clock_tick();
    for (uint32_t i = 0; i < MANY; i++)
        assert_int_equal(fixture_lookup(fixture, 1, i), LARSHM_PENDING);
    for (int i = 0; i < MANY; i++)
        assert_true(directory_takes(&fixture->directory, EVENTUALLY_MS, &key));
    assert_true(clock_tick() - begin >= (MANY - 10) * 1000 / 100);
}

/* Many hosts, of which `port` says which answer they are from. */
static void answer_large(struct fixture *fixture, uint32_t cmdid, int port)
{
    static struct wire_host hosts[LARGE];
    for (int i = 0; i < LARGE; i++)
        hosts[i] = wire_host(i, port);
    directory_answer(&fixture->directory, 1, cmdid, hosts, LARGE);
}

static bool serves_port(struct fixture *fixture, uint32_t cmdid, int port)
{
    larshm_host host;
    return larshm_get_host(fixture->client, 1, cmdid, &host) == LARSHM_OK && ntohs(host.port) == port;
}

static void
g10_changes_and_deletions_arrive_when_max_bytes_is_reached_and_new_routes_are_refused(void **state)
{
    struct fixture *fixture = *state;
    fixture->fetcher.config.max_bytes = "1M";
    fixture_connect(fixture);
    uint32_t known = 0;
    for (;; known++) {
        fixture_lookup_until_asked(fixture, 1, known);
        answer_large(fixture, known, 80);
        eventually(serves_port(fixture, known, 80) ||
                   fetcher_counter(&fixture->fetcher, COUNTER_refused_full) > 0);
        if (!serves_port(fixture, known, 80))
            break;
    }
    assert_true(known > 10);
    for (int port = 81; port <= 83; port++)
        for (uint32_t cmdid = 1; cmdid < known; cmdid++)
            answer_large(fixture, cmdid, port);
    directory_deny(&fixture->directory, 1, 0);
    for (uint32_t cmdid = 1; cmdid < known; cmdid++)
        eventually(serves_port(fixture, cmdid, 83));
    eventually(fixture_lookup(fixture, 1, 0) == LARSHM_NOEXIST);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_postponed) == 0);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_refused_full), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(rule_1_unknown_route_is_asked_for_once_and_is_pending_meanwhile),
        fixture_test(rule_1_holds_for_the_largest_numbers_too),
        fixture_test(rule_2_answer_with_hosts_replaces_the_table_and_is_new),
        fixture_test(rule_2_the_same_hosts_again_only_make_the_route_younger),
        fixture_test(rule_3_answer_without_hosts_ends_the_route_and_hosts_bring_it_back),
        fixture_test(rule_4_expired_route_is_answered_at_once_and_asked_for_once),
        fixture_test(rule_4_young_route_is_not_asked_for),
        fixture_test(rule_5_a_route_that_is_pulling_is_not_asked_for_by_any_number_of_lookups),
        fixture_test(rule_6_after_a_reconnect_a_pulling_route_is_new_and_asked_for_again),
        fixture_test(rule_6_an_unknown_route_that_was_being_pulled_can_be_asked_for_again),
        fixture_test(every_known_route_is_asked_for_again_after_a_reconnect_each_once),
        fixture_test(asking_again_is_spread_over_seconds),
        fixture_test(route_that_was_refreshed_before_its_turn_is_not_asked_for_again),
        fixture_test(asking_again_leaves_room_for_what_clients_ask_for),
        fixture_test(rule_1_new_route_is_requested_within_a_second_while_all_known_ones_expire),
        fixture_test(rate_that_cannot_refresh_what_is_in_use_is_said),
        fixture_test(directory_that_is_too_slow_for_what_is_in_use_is_said),
        fixture_test(requests_in_flight_are_bounded_by_the_bytes_of_their_answers),
        fixture_test(every_route_is_refreshed_before_any_is_again_where_the_directory_cannot_follow),
        fixture_test(known_routes_are_refreshed_while_new_ones_without_end_wait_for_the_directory),
        fixture_test(requests_keep_to_their_rate_and_none_is_forgotten),
        fixture_test(g10_changes_and_deletions_arrive_when_max_bytes_is_reached_and_new_routes_are_refused),
    };
    return cmocka_run_group_tests_name("integration/refresh", tests, NULL, NULL);
}
