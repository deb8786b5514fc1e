/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fetcher/requests.h"
#include "tests/support/keys.h"

enum {
    US = 1000 /* in a tick */
};

/* The moment of a tick. */
static struct request_time at(uint64_t tick)
{
    return (struct request_time){tick, tick * US + 1};
}

static int setup(void **state)
{
    *state = requests_new();
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    requests_delete(*state);
    return 0;
}

static void request_is_outstanding_until_it_is_answered(void **state)
{
    struct requests *requests = *state;
    struct request_time sent;
    assert_false(requests_has(requests, numbered_key(5)));
    assert_false(requests_answered(requests, numbered_key(5), &sent));
    requests_add(requests, numbered_key(5), 1, false, at(100));
    assert_true(requests_has(requests, numbered_key(5)));
    assert_false(requests_has(requests, numbered_key(6)));
    assert_true(requests_answered(requests, numbered_key(5), &sent));
    assert_int_equal(sent.tick, 100);
    assert_int_equal(sent.us, 100 * US + 1);
    assert_false(requests_has(requests, numbered_key(5)));
    assert_false(requests_answered(requests, numbered_key(5), &sent));
}

static void late_request_is_counted_once_and_still_outstanding(void **state)
{
    struct requests *requests = *state;
    struct request_time sent;
    for (uint64_t i = 0; i < 3; i++)
        requests_add(requests, numbered_key(10 + i), 1, false, at(100 + i));
    assert_false(requests_time_out(requests, 99));
    assert_true(requests_time_out(requests, 101));
    assert_true(requests_time_out(requests, 101));
    assert_false(requests_time_out(requests, 101));
    assert_true(requests_has(requests, numbered_key(10)));
    assert_true(requests_answered(requests, numbered_key(10), &sent));
    assert_int_equal(sent.tick, 100);
    assert_true(requests_answered(requests, numbered_key(12), &sent));
    assert_false(requests_time_out(requests, 1000));
    requests_add(requests, numbered_key(13), 1, false, at(103));
    assert_true(requests_time_out(requests, 1000));
    assert_false(requests_time_out(requests, 1000));
}

static void only_an_answer_to_a_request_sent_after_its_time_out_shows_that_one_is_lost(void **state)
{
    struct requests *requests = *state;
    struct route_key key;
    struct request_time sent;
    requests_add(requests, numbered_key(5), 1, false, at(100));
    requests_add(requests, numbered_key(6), 1, false, at(149));
    requests_add(requests, numbered_key(7), 1, false, at(151));
    requests_add(requests, numbered_key(8), 1, false, at(151));
    assert_false(requests_lost(requests, 50, &key));
    assert_true(requests_answered(requests, numbered_key(6), &sent));
    assert_false(requests_lost(requests, 50, &key));
    assert_true(requests_answered(requests, numbered_key(8), &sent));
    assert_true(requests_lost(requests, 50, &key));
    assert_int_equal(route_key_number(key), 5);
    assert_false(requests_lost(requests, 50, &key));
    assert_true(requests_has(requests, numbered_key(7)));
}

static void answers_in_order_lose_no_request_however_late_they_are(void **state)
{
    struct requests *requests = *state;
    struct route_key key;
    struct request_time sent;
    for (uint64_t i = 0; i < 1000; i++)
        requests_add(requests, numbered_key(i), 1, false, at(100 + i));
    for (uint64_t i = 0; i < 1000; i++) {
        assert_true(requests_answered(requests, numbered_key(i), &sent));
        assert_false(requests_lost(requests, 10, &key));
    }
}

static void bytes_of_answers_that_are_outstanding_add_up(void **state)
{
    struct requests *requests = *state;
    struct request_time sent;
    requests_add(requests, numbered_key(5), 1000, false, at(100));
    requests_add(requests, numbered_key(6), 20, false, at(200));
    requests_add(requests, numbered_key(7), 3, false, at(300));
    assert_int_equal(requests->bytes, 1023);
    assert_true(requests_answered(requests, numbered_key(6), &sent));
    assert_int_equal(requests->bytes, 1003);
    assert_true(requests_time_out(requests, 100));
    assert_int_equal(requests->bytes, 1003);
}

static void requests_for_new_routes_are_counted_apart(void **state)
{
    struct requests *requests = *state;
    struct route_key key;
    requests_add(requests, numbered_key(5), 1000, true, at(100));
    requests_add(requests, numbered_key(6), 20, false, at(200));
    assert_int_equal(requests->new_count, 1);
    assert_int_equal(requests->new_bytes, 1000);
    assert_true(requests_take(requests, &key));
    assert_int_equal(requests->new_count, 0);
    assert_int_equal(requests->new_bytes, 0);
    requests_add(requests, numbered_key(5), 1000, true, at(300));
    requests_clear(requests);
    assert_int_equal(requests->new_count, 0);
    assert_int_equal(requests->new_bytes, 0);
}

static void table_holds_as_many_as_it_says(void **state)
{
    struct requests *requests = *state;
    struct request_time sent;
    for (int round = 0; round < 2; round++) {
        for (uint64_t i = 0; i < REQUESTS_MAX; i++)
            requests_add(requests, numbered_key(i), 1, false, at(i));
        assert_int_equal(requests->count, REQUESTS_MAX);
        for (uint64_t i = 0; i < REQUESTS_MAX; i++)
            if (!requests_answered(requests, numbered_key(i), &sent))
                fail_msg("request %u is lost", (unsigned)i);
        assert_int_equal(requests->count, 0);
    }
}

static void everything_can_be_taken_out_the_oldest_first(void **state)
{
    struct requests *requests = *state;
    struct route_key key;
    requests_add(requests, numbered_key(5), 1, false, at(100));
    requests_add(requests, numbered_key(6), 1, false, at(200));
    assert_int_equal(requests_oldest(requests), 100);
    assert_int_equal(requests_youngest(requests), 200);
    assert_true(requests_take(requests, &key));
    assert_int_equal(route_key_number(key), 5);
    assert_true(requests_take(requests, &key));
    assert_int_equal(route_key_number(key), 6);
    assert_false(requests_take(requests, &key));
    assert_int_equal(requests->count, 0);
}

static void nothing_of_a_connection_is_left_after_it(void **state)
{
    struct requests *requests = *state;
    struct route_key key;
    struct request_time sent;
    requests_add(requests, numbered_key(5), 10, false, at(100));
    requests_add(requests, numbered_key(6), 10, false, at(1000));
    assert_true(requests_answered(requests, numbered_key(6), &sent));
    requests_clear(requests);
    assert_false(requests_has(requests, numbered_key(5)));
    assert_int_equal(requests->bytes, 0);
    requests_add(requests, numbered_key(5), 10, false, at(200));
    assert_false(requests_lost(requests, 50, &key));
}

/* The same steps on the table and on a plain array. */
static void any_order_of_steps_agrees_with_a_plain_list(void **state)
{
    struct requests *requests = *state;
    enum {
        KEYS = 300,
        STEPS = 100000,
        TIMEOUT = 200,
    };
    static uint64_t sent[KEYS];
    struct request_time was_sent;
    uint64_t answered = 0;
    struct route_key key;
    srandom(1);
    for (uint64_t now = 1; now <= STEPS; now++) {
        uint64_t mine = (uint64_t)random() % KEYS, oldest = now;
        switch (random() % 3) {
        case 0:
            if (!sent[mine])
                requests_add(requests, numbered_key(mine << 32 | mine), 1, false, at(sent[mine] = now));
            break;
        case 1:
            assert_int_equal(requests_answered(requests, numbered_key(mine << 32 | mine), &was_sent),
                             sent[mine] != 0);
            if (sent[mine] > answered)
                answered = sent[mine];
            sent[mine] = 0;
            break;
        default:
            while (requests_lost(requests, TIMEOUT, &key)) {
                assert_in_range(sent[key.cmdid], 1, answered - TIMEOUT);
                sent[key.cmdid] = 0;
            }
            for (int i = 0; i < KEYS; i++)
                if (sent[i] && sent[i] < oldest)
                    oldest = sent[i];
            assert_true(oldest + TIMEOUT > answered);
            if (requests->count)
                assert_int_equal(requests_oldest(requests), oldest);
        }
        assert_int_equal(requests_has(requests, numbered_key(mine << 32 | mine)), sent[mine] != 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define requests_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
        requests_test(request_is_outstanding_until_it_is_answered),
        requests_test(late_request_is_counted_once_and_still_outstanding),
        requests_test(only_an_answer_to_a_request_sent_after_its_time_out_shows_that_one_is_lost),
        requests_test(answers_in_order_lose_no_request_however_late_they_are),
        requests_test(bytes_of_answers_that_are_outstanding_add_up),
        requests_test(requests_for_new_routes_are_counted_apart),
        requests_test(table_holds_as_many_as_it_says),
        requests_test(everything_can_be_taken_out_the_oldest_first),
        requests_test(nothing_of_a_connection_is_left_after_it),
        requests_test(any_order_of_steps_agrees_with_a_plain_list),
    };
    return cmocka_run_group_tests_name("unit/fetcher/requests", tests, NULL, NULL);
}
