/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>

#include "shm/clock.h"
#include "tests/support/by_key.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"

/* Publishes new routes of one host until they are refused. */
static uint32_t fill(struct instance *instance)
{
    struct host_addr host;
    uint32_t known = 0;
    enum shm_status status;
    do {
        self_checking_hosts(known + 1, 1, 1, &host);
        status = put_by_key(instance->writer, numbered_key(known + 1), &host, 1, NULL, 15, clock_tick());
        known += status == SHM_OK;
    } while (status == SHM_OK);
    assert_int_equal(status, SHM_FULL);
    return known;
}

static uint32_t publish_late(struct instance *instance, uint64_t now)
{
    struct route_ref route;
    uint32_t published = 0;
    while (writer_next_late(instance->writer, now, &route))
        published++;
    return published;
}

static void expect_host(const struct instance *instance, uint64_t key, uint32_t round)
{
    struct host_addr expected, found = HOST_ADDR_NONE;
    const struct route_ref route = writer_find(instance->writer, numbered_key(key));
    self_checking_hosts(key, round, 1, &expected);
    assert_int_equal(route_ref_hosts(&route, &found), 1);
    assert_true(host_addr_equal(found, expected));
}

static void changes_and_deletions_of_known_routes_arrive_when_max_bytes_is_reached(void **state)
{
    struct instance *instance = *state;
    struct region region;
    struct routes routes;
    const uint32_t known = fill(instance);
    const uint64_t now = clock_tick(), generation = writer_generation(instance->writer);
    /* Of each route two changes: the newest is the one that counts. */
    for (uint32_t round = 2; round <= 3; round++)
        for (uint64_t key = 2; key <= known; key++)
            instance_put(instance, key, round, 1, 15);
    assert_int_equal(put_by_key(instance->writer, numbered_key(1), NULL, 0, NULL, 15, now), SHM_OK);
    assert_true(publish_late(instance, now) > known / 2);
    assert_int_equal(publish_late(instance, now), 0);
    assert_int_not_equal(writer_generation(instance->writer), generation);
    for (uint64_t key = 2; key <= known; key++)
        expect_host(instance, key, 3);
    const struct route_ref deleted = writer_find(instance->writer, numbered_key(1));
    assert_true(route_ref_is_here(&deleted));
    assert_int_equal(route_ref_count(&deleted), 0);
    assert_int_equal(writer_counter(instance->writer, COUNTER_routes), known - 1);
    assert_int_equal(writer_counter(instance->writer, COUNTER_negative), 1);
    assert_int_equal(instance_map(instance, false, &region, &routes), SHM_OK);
    assert_true(region.size <= instance->options.max_bytes);
    region_close(&region);
    /* New ones are refused, now and after maintenance. */
    struct host_addr host;
    self_checking_hosts(known + 1, 1, 1, &host);
    for (int i = 0; i < 2; i++) {
        assert_true(writer_refusing(instance->writer));
        assert_int_equal(put_by_key(instance->writer, numbered_key(known + 1), &host, 1, NULL, 15, now),
                         SHM_FULL);
        assert_int_equal(writer_maintain(instance->writer, now), SHM_OK);
    }
    assert_int_equal(writer_counter(instance->writer, COUNTER_postponed), 0);
}

static void new_routes_leave_a_reserve_to_changes_of_known_ones(void **state)
{
    struct instance *instance = *state;
    const uint32_t known = fill(instance);
    const uint64_t generation = writer_generation(instance->writer);
    for (uint64_t key = 1; key <= known / 10; key++) {
        instance_put(instance, key, 2, 1, 15);
        expect_host(instance, key, 2);
    }
    assert_int_equal(writer_generation(instance->writer), generation);
}

static void a_larger_table_that_never_fits_hinders_no_other(void **state)
{
    struct instance *instance = *state;
    static struct host_addr hosts[HOSTS_MAX];
    const uint32_t known = fill(instance);
    uint64_t now = clock_tick();
    for (uint32_t i = 0; i < HOSTS_MAX; i++)
        hosts[i] = (struct host_addr){htonl(0x0a000000 + i), htons(80)};
    for (uint64_t key = 1; key <= 20; key++)
        put_by_key(instance->writer, numbered_key(key), hosts, HOSTS_MAX, NULL, 15, now);
    for (uint64_t key = 21; key <= known; key++)
        instance_put(instance, key, 2, 1, 15);
    for (int second = 0; second < 20; second++)
        publish_late(instance, now += 1000);
    for (uint64_t key = 21; key <= known; key++)
        expect_host(instance, key, 2);
    assert_int_equal(writer_maintain(instance->writer, now), SHM_OK);
    assert_true(writer_counter(instance->writer, COUNTER_postponed) > 0);
    /* A newer answer takes its place. */
    for (uint64_t key = 1; key <= 20; key++)
        instance_put(instance, key, 3, 1, 15);
    publish_late(instance, now += 1000);
    for (uint64_t key = 1; key <= 20; key++)
        expect_host(instance, key, 3);
}

/* Uses up all room, and all that larger tables may wait for. Returns a route of one host whose answers wait from now on. */
static uint64_t leave_no_room(struct instance *instance, uint64_t now)
{
    static struct host_addr hosts[HOSTS_MAX];
    const uint32_t known = fill(instance);
    uint64_t key = 1;
    for (uint64_t larger = known; larger; larger--) {
        self_checking_hosts(larger, 2, HOSTS_MAX, hosts);
        if (put_by_key(instance->writer, numbered_key(larger), hosts, HOSTS_MAX, NULL, 15, now) == SHM_FULL)
            break;
    }
    for (bool changed = true; changed && key < known / 2; key++) {
        struct route_ref route = writer_find(instance->writer, numbered_key(key));
        self_checking_hosts(key, 2, 1, hosts);
        assert_int_equal(writer_put(instance->writer, &route, hosts, 1, NULL, 15, now, &changed), SHM_OK);
    }
    assert_true(key < known / 2);
    return key;
}

static enum shm_status put_largest(struct instance *instance, uint64_t key, uint64_t now)
{
    static struct host_addr hosts[HOSTS_MAX];
    self_checking_hosts(key, 9, HOSTS_MAX, hosts);
    return put_by_key(instance->writer, numbered_key(key), hosts, HOSTS_MAX, NULL, 15, now);
}

static void g9_an_answer_that_is_refused_costs_no_earlier_one_that_waits(void **state)
{
    struct instance *instance = *state;
    uint64_t now = clock_tick();
    const uint64_t key = leave_no_room(instance, now);
    instance_put(instance, key, 2, 1, 15);
    expect_host(instance, key, 1);
    assert_int_equal(put_largest(instance, key, now), SHM_FULL);
    publish_late(instance, now + 1000);
    expect_host(instance, key, 2);
}

static void g9_a_deletion_that_waits_does_not_outlive_a_later_answer_with_hosts(void **state)
{
    struct instance *instance = *state;
    uint64_t now = clock_tick();
    const uint64_t key = leave_no_room(instance, now);
    assert_int_equal(put_by_key(instance->writer, numbered_key(key), NULL, 0, NULL, 15, now), SHM_OK);
    expect_host(instance, key, 1);
    assert_int_equal(put_largest(instance, key, now), SHM_FULL);
    publish_late(instance, now + 1000);
    expect_host(instance, key, 1);
}

static void g3_an_earlier_answer_that_waits_never_replaces_a_later_one(void **state)
{
    struct instance *instance = *state;
    uint64_t now = clock_tick();
    const uint64_t key = leave_no_room(instance, now);
    instance_put(instance, key, 2, 1, 15);
    instance_put(instance, key, 1, 1, 15); /* as the cached one */
    publish_late(instance, now + 1000);
    expect_host(instance, key, 1);
}

/* By a clock of the test's own: some entries expire in it, and it may take long. */
static void put_at(struct instance *instance, uint64_t key, uint32_t round, uint32_t count, uint64_t now)
{
    struct host_addr hosts[5];
    self_checking_hosts(key, round, count, hosts);
    assert_int_equal(put_by_key(instance->writer, numbered_key(key), hosts, count, NULL, 15, now), SHM_OK);
}

/* A new generation leaves out what has expired, though an answer for it waits; the route may come back before that. */
static void g3_an_answer_that_waits_does_not_replace_that_of_a_route_that_came_back(void **state)
{
    struct instance *instance = *state;
    struct host_addr hosts[5];
    uint64_t now = clock_tick(), known = 1;
    const struct route_key key = numbered_key(1);
    assert_int_equal(put_by_key(instance->writer, key, NULL, 0, NULL, 1, now), SHM_OK);
    do {
        known++;
        self_checking_hosts(known, 1, 5, hosts);
    } while (put_by_key(instance->writer, numbered_key(known), hosts, 5, NULL, 15, now) == SHM_OK);
    for (uint32_t round = 2; round <= 3; round++)
        for (uint64_t other = 2; other < known; other++)
            put_at(instance, other, round, 5, now);
    put_at(instance, 2, 4, 1, now); /* a single unit may be left */
    put_at(instance, 1, 2, 1, now);
    struct route_ref route = writer_find(instance->writer, key);
    assert_int_equal(route_ref_count(&route), 0);
    now += 60 * 1000;
    for (uint64_t other = 2; other < known / 2; other++)
        assert_int_equal(put_by_key(instance->writer, numbered_key(other), NULL, 0, NULL, 15, now), SHM_OK);
    put_by_key(instance->writer, numbered_key(known), NULL, 0, NULL, 15,
               now); /* one too many: a generation */
    route = writer_find(instance->writer, key);
    assert_false(route_ref_is_here(&route));
    put_at(instance, 1, 3, 1, now);
    publish_late(instance, now);
    expect_host(instance, 1, 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(changes_and_deletions_of_known_routes_arrive_when_max_bytes_is_reached),
        TEST(new_routes_leave_a_reserve_to_changes_of_known_ones),
        TEST(a_larger_table_that_never_fits_hinders_no_other),
        TEST(g9_an_answer_that_is_refused_costs_no_earlier_one_that_waits),
        TEST(g9_a_deletion_that_waits_does_not_outlive_a_later_answer_with_hosts),
        TEST(g3_an_earlier_answer_that_waits_never_replaces_a_later_one),
        TEST(g3_an_answer_that_waits_does_not_replace_that_of_a_route_that_came_back),
    };
    return cmocka_run_group_tests_name("unit/shm/writer/writer_postponed", tests, NULL, NULL);
}
