/* SPDX-License-Identifier: MIT */
#include "fetcher/unused.h"

#include "shm/clock.h"
#include "tests/support/by_key.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"

enum {
    TTL_S = 3600,
    TIMEOUT_S = 100,
};

struct fixture {
    struct unused unused;
    struct writer *writer;
    uint64_t now;
};

static struct fixture begin(const struct instance *instance)
{
    return (struct fixture){.writer = instance->writer, .now = clock_tick()};
}

static void put(struct fixture *fixture, uint64_t key)
{
    struct host_addr host;
    self_checking_hosts(key, 1, 1, &host);
    assert_int_equal(put_by_key(fixture->writer, numbered_key(key), &host, 1, NULL, TTL_S, fixture->now),
                     SHM_OK);
}

static struct route_ref find(const struct fixture *fixture, uint64_t key)
{
    return writer_find(fixture->writer, numbered_key(key));
}

static bool is_expired(const struct fixture *fixture, uint64_t key)
{
    const struct route_ref route = find(fixture, key);
    return route_ref_is_expired(&route, fixture->now + 1);
}

/* One poll. Routes that leave do so; the last of them. */
static uint64_t poll(struct fixture *fixture, uint32_t timeout_s, bool watched)
{
    struct route_ref route;
    uint64_t left = 0;
    if (!unused_poll(&fixture->unused, fixture->writer, timeout_s, watched ? fixture->now : 0, fixture->now))
        return 0;
    while (unused_next(&fixture->unused, fixture->writer, &route)) {
        assert_true(writer_leave(fixture->writer, &route));
        left = route_key_number(route.key);
    }
    return left;
}

/* So many seconds, with a poll in each. */
static uint64_t pass(struct fixture *fixture, uint32_t seconds)
{
    uint64_t left = 0;
    for (uint32_t second = 0; second < seconds && left == 0; second++) {
        fixture->now += 1000;
        left = poll(fixture, TIMEOUT_S, true);
    }
    return left;
}

static void route_that_is_seen_stays_and_another_one_leaves_once(void **state)
{
    struct fixture fixture = begin(*state);
    put(&fixture, 1);
    put(&fixture, 2);
    poll(&fixture, TIMEOUT_S, true);
    assert_int_equal(pass(&fixture, TIMEOUT_S / 2 - 1), 0);
    assert_false(is_expired(&fixture, 1));
    assert_int_equal(pass(&fixture, 2), 0);
    assert_true(is_expired(&fixture, 1) && is_expired(&fixture, 2));
    unused_see(&fixture.unused, fixture.writer, find(&fixture, 1).slot);
    put(&fixture, 1);
    assert_int_equal(pass(&fixture, TIMEOUT_S / 2 + 10), route_key_number(numbered_key(2)));
    assert_int_equal(pass(&fixture, TIMEOUT_S / 4), 0);
}

/* More often than it is looked at. */
static void route_that_is_pushed_all_the_time_and_not_seen_leaves(void **state)
{
    struct fixture fixture = begin(*state);
    uint64_t left = 0;
    put(&fixture, 1);
    poll(&fixture, TIMEOUT_S, true);
    uint64_t begin = fixture.now;
    while (!left && fixture.now < begin + 2 * TIMEOUT_S * 1000) {
        put(&fixture, 1);
        const struct route_ref route = find(&fixture, 1);
        unused_keep_expired(&fixture.unused, fixture.writer, &route, fixture.now);
        fixture.now += 10;
        left = poll(&fixture, TIMEOUT_S, true);
    }
    assert_int_equal(left, route_key_number(numbered_key(1)));
    assert_true(fixture.now >= begin + TIMEOUT_S * 1000);
}

/* The fetcher is stopped, or has no directory: it would not have seen any lookup. */
static void time_in_which_nothing_can_be_seen_does_not_count(void **state)
{
    struct fixture fixture = begin(*state);
    put(&fixture, 1);
    poll(&fixture, TIMEOUT_S, true);
    for (int i = 0; i < 3 * TIMEOUT_S; i++) {
        fixture.now += 1000;
        assert_int_equal(poll(&fixture, TIMEOUT_S, false), 0);
    }
    assert_int_equal(pass(&fixture, TIMEOUT_S / 8), 0);
    fixture.now += 10 * TIMEOUT_S * 1000;
    assert_int_equal(pass(&fixture, TIMEOUT_S / 8), 0);
    assert_false(is_expired(&fixture, 1));
    assert_int_equal(pass(&fixture, TIMEOUT_S), route_key_number(numbered_key(1)));
}

static void route_that_is_requested_does_not_leave_before_the_answer(void **state)
{
    struct fixture fixture = begin(*state);
    put(&fixture, 1);
    set_pulling_by_key(fixture.writer, numbered_key(1));
    poll(&fixture, TIMEOUT_S, true);
    assert_int_equal(pass(&fixture, 2 * TIMEOUT_S), 0);
    set_new_by_key(fixture.writer, numbered_key(1));
    assert_int_equal(pass(&fixture, 2), route_key_number(numbered_key(1)));
}

static void time_goes_on_in_a_new_generation(void **state)
{
    struct instance *instance = *state;
    struct fixture fixture = begin(instance);
    put(&fixture, 1);
    poll(&fixture, TIMEOUT_S, true);
    assert_int_equal(pass(&fixture, TIMEOUT_S * 3 / 4), 0);
    instance_renew(instance);
    assert_int_equal(pass(&fixture, TIMEOUT_S / 2), route_key_number(numbered_key(1)));
}

static void poll_looks_at_a_bounded_number_of_slots_and_all_come_in_turn(void **state)
{
    enum {
        KEYS = UNUSED_SLOTS
    };
    struct instance *instance = *state;
    struct fixture fixture = begin(instance);
    struct route_ref route;
    uint32_t polls = 0, left = 0;
    for (uint64_t key = 1; key <= KEYS; key++)
        put(&fixture, key);
    assert_true(writer_slot_count(instance->writer) > UNUSED_SLOTS);
    poll(&fixture, TIMEOUT_S, true);
    assert_int_equal(pass(&fixture, TIMEOUT_S - 1), 0);
    for (; left < KEYS && polls < 20; polls++) {
        fixture.now += 1000;
        unused_poll(&fixture.unused, fixture.writer, TIMEOUT_S, fixture.now, fixture.now);
        uint32_t before = fixture.unused.slot;
        while (unused_next(&fixture.unused, fixture.writer, &route)) {
            assert_true(writer_leave(fixture.writer, &route));
            left++;
        }
        assert_true(fixture.unused.slot - before <= UNUSED_SLOTS);
    }
    assert_int_equal(left, KEYS);
    assert_true(polls > 1);
}

static void nothing_is_kept_and_nothing_leaves_without_a_timeout(void **state)
{
    struct fixture fixture = begin(*state);
    put(&fixture, 1);
    assert_int_equal(poll(&fixture, 0, true), 0);
    assert_false(writer_has_uses(fixture.writer));
    unused_see(&fixture.unused, fixture.writer, find(&fixture, 1).slot);
    poll(&fixture, TIMEOUT_S, true);
    assert_true(writer_has_uses(fixture.writer));
    assert_int_equal(pass(&fixture, TIMEOUT_S / 4), 0);
    assert_int_equal(poll(&fixture, 0, true), 0);
    assert_false(writer_has_uses(fixture.writer));
    fixture.now += 1000;
    poll(&fixture, TIMEOUT_S, true); /* which counts as use of all */
    assert_int_equal(pass(&fixture, TIMEOUT_S - 10), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(route_that_is_seen_stays_and_another_one_leaves_once),
        TEST(route_that_is_pushed_all_the_time_and_not_seen_leaves),
        TEST(time_in_which_nothing_can_be_seen_does_not_count),
        TEST(route_that_is_requested_does_not_leave_before_the_answer),
        TEST(time_goes_on_in_a_new_generation),
        TEST(poll_looks_at_a_bounded_number_of_slots_and_all_come_in_turn),
        TEST(nothing_is_kept_and_nothing_leaves_without_a_timeout),
    };
    return cmocka_run_group_tests_name("unit/fetcher/unused", tests, NULL, NULL);
}
