/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fetcher/requests.h"
#include "tests/support/keys.h"

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

static void request_is_waited_for_until_it_is_answered(void **state)
{
    struct requests *requests = *state;
    assert_false(requests_waiting(requests, numbered_key(5)));
    assert_false(requests_answered(requests, numbered_key(5)));
    requests_add(requests, numbered_key(5), 1, 100);
    assert_true(requests_waiting(requests, numbered_key(5)));
    assert_false(requests_waiting(requests, numbered_key(6)));
    assert_true(requests_answered(requests, numbered_key(5)));
    assert_false(requests_waiting(requests, numbered_key(5)));
    assert_false(requests_answered(requests, numbered_key(5)));
}

static void requests_become_late_in_the_order_they_were_sent_and_not_before_their_time(void **state)
{
    struct requests *requests = *state;
    struct route_key key = {0};
    for (uint64_t i = 0; i < 3; i++)
        requests_add(requests, numbered_key(10 + i), 1, 100 + i);
    assert_false(requests_time_out(requests, 99, &key));
    assert_int_equal(route_key_number(key), 0);
    assert_true(requests_time_out(requests, 101, &key));
    assert_int_equal(route_key_number(key), 10);
    assert_true(requests_time_out(requests, 101, &key));
    assert_int_equal(route_key_number(key), 11);
    assert_false(requests_time_out(requests, 101, &key));
    assert_true(requests_waiting(requests, numbered_key(12)));
}

static void late_request_is_not_waited_for_but_its_answer_is_known(void **state)
{
    struct requests *requests = *state;
    struct route_key key;
    requests_add(requests, numbered_key(5), 1, 100);
    assert_true(requests_time_out(requests, 100, &key));
    assert_false(requests_waiting(requests, numbered_key(5)));
    assert_true(requests_answered(requests, numbered_key(5)));
    assert_false(requests_answered(requests, numbered_key(5)));
}

static void bytes_of_answers_that_are_waited_for_add_up(void **state)
{
    struct requests *requests = *state;
    struct route_key key;
    requests_add(requests, numbered_key(5), 1000, 100);
    requests_add(requests, numbered_key(6), 20, 200);
    requests_add(requests, numbered_key(7), 3, 300);
    assert_int_equal(requests->waiting_bytes, 1023);
    assert_true(requests_answered(requests, numbered_key(6)));
    assert_int_equal(requests->waiting_bytes, 1003);
    assert_true(requests_time_out(requests, 100, &key));
    assert_int_equal(requests->waiting_bytes, 3);
    requests_add(requests, numbered_key(5), 500, 400);
    assert_int_equal(requests->waiting_bytes, 503);
}

static void late_request_that_is_repeated_starts_again(void **state)
{
    struct requests *requests = *state;
    struct route_key key;
    requests_add(requests, numbered_key(5), 1, 100);
    assert_true(requests_time_out(requests, 100, &key));
    requests_add(requests, numbered_key(5), 1, 200);
    assert_true(requests_waiting(requests, numbered_key(5)));
    requests_forget_late(requests, 1000);
    assert_true(requests_waiting(requests, numbered_key(5)));
    assert_false(requests_time_out(requests, 199, &key));
    assert_true(requests_time_out(requests, 200, &key));
}

static void late_requests_are_forgotten_in_time(void **state)
{
    struct requests *requests = *state;
    struct route_key key;
    requests_add(requests, numbered_key(5), 1, 100);
    requests_add(requests, numbered_key(6), 1, 101);
    requests_add(requests, numbered_key(7), 1, 101);
    assert_true(requests_time_out(requests, 101, &key));
    assert_true(requests_time_out(requests, 101, &key));
    requests_forget_late(requests, 100);
    assert_false(requests_answered(requests, numbered_key(5)));
    assert_true(requests_answered(requests, numbered_key(6)));
    assert_true(requests_waiting(requests, numbered_key(7)));
}

static void full_table_has_no_room_until_a_request_is_answered_or_late(void **state)
{
    struct requests *requests = *state;
    struct route_key key;
    for (uint64_t i = 0; i < REQUESTS_MAX; i++) {
        assert_int_equal(requests_room(requests), REQUESTS_MAX - i);
        requests_add(requests, numbered_key(i), 1, i);
    }
    assert_int_equal(requests_room(requests), 0);
    for (uint64_t i = 0; i < REQUESTS_MAX; i++)
        if (!requests_waiting(requests, numbered_key(i)))
            fail_msg("request %u is lost", (unsigned)i);
    assert_true(requests_answered(requests, numbered_key(1000)));
    assert_int_equal(requests_room(requests), 1);
    assert_true(requests_time_out(requests, 0, &key));
    assert_int_equal(requests_room(requests), 2);
}

static void late_requests_give_way_the_oldest_first(void **state)
{
    struct requests *requests = *state;
    struct route_key key;
    for (uint64_t i = 0; i < REQUESTS_MAX; i++)
        requests_add(requests, numbered_key(i), 1, i);
    for (uint64_t i = 0; i < 3; i++)
        assert_true(requests_time_out(requests, REQUESTS_MAX, &key));
    requests_add(requests, numbered_key(REQUESTS_MAX), 1, REQUESTS_MAX);
    requests_add(requests, numbered_key(REQUESTS_MAX + 1), 1, REQUESTS_MAX);
    assert_false(requests_answered(requests, numbered_key(0)));
    assert_false(requests_answered(requests, numbered_key(1)));
    assert_true(requests_answered(requests, numbered_key(2)));
    assert_true(requests_waiting(requests, numbered_key(REQUESTS_MAX)));
    assert_true(requests_waiting(requests, numbered_key(REQUESTS_MAX + 1)));
}

static void everything_can_be_taken_out_waiting_ones_first(void **state)
{
    struct requests *requests = *state;
    struct route_key key;
    bool waiting;
    requests_add(requests, numbered_key(5), 1, 100);
    requests_add(requests, numbered_key(6), 1, 200);
    assert_true(requests_time_out(requests, 100, &key));
    assert_true(requests_take(requests, &key, &waiting));
    assert_int_equal(route_key_number(key), 6);
    assert_true(waiting);
    assert_true(requests_take(requests, &key, &waiting));
    assert_int_equal(route_key_number(key), 5);
    assert_false(waiting);
    assert_false(requests_take(requests, &key, &waiting));
    assert_int_equal(requests_room(requests), REQUESTS_MAX);
}

/* The same steps on the table and on two plain arrays. */
static void any_order_of_steps_agrees_with_a_plain_list(void **state)
{
    struct requests *requests = *state;
    enum {
        KEYS = 300,
        STEPS = 100000
    };
    static uint64_t sent[KEYS];
    static bool late[KEYS];
    struct route_key key;
    srandom(1);
    for (uint64_t now = 1; now <= STEPS; now++) {
        uint64_t mine = (uint64_t)random() % KEYS;
        switch (random() % 3) {
        case 0:
            requests_add(requests, numbered_key(mine << 32 | mine), 1, now);
            sent[mine] = now;
            late[mine] = false;
            break;
        case 1:
            assert_int_equal(requests_answered(requests, numbered_key(mine << 32 | mine)), sent[mine] != 0);
            sent[mine] = 0;
            break;
        default:
            while (requests_time_out(requests, now < 200 ? 0 : now - 200, &key))
                late[key.cmdid] = true;
            requests_forget_late(requests, now < 400 ? 0 : now - 400);
            for (int i = 0; i < KEYS; i++)
                if (sent[i] && now >= 400 && sent[i] <= now - 400)
                    sent[i] = 0;
        }
        assert_int_equal(requests_waiting(requests, numbered_key(mine << 32 | mine)),
                         sent[mine] != 0 && !late[mine]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define requests_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
        requests_test(request_is_waited_for_until_it_is_answered),
        requests_test(requests_become_late_in_the_order_they_were_sent_and_not_before_their_time),
        requests_test(late_request_is_not_waited_for_but_its_answer_is_known),
        requests_test(bytes_of_answers_that_are_waited_for_add_up),
        requests_test(late_request_that_is_repeated_starts_again),
        requests_test(late_requests_are_forgotten_in_time),
        requests_test(full_table_has_no_room_until_a_request_is_answered_or_late),
        requests_test(late_requests_give_way_the_oldest_first),
        requests_test(everything_can_be_taken_out_waiting_ones_first),
        requests_test(any_order_of_steps_agrees_with_a_plain_list),
    };
    return cmocka_run_group_tests_name("unit/fetcher/requests", tests, NULL, NULL);
}
