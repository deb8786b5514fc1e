/* SPDX-License-Identifier: MIT */
#include "shm/atomic.h"
#include "shm/clock.h"
#include "shm/index.h"
#include "shm/table.h"
#include "shm/writer/publisher.h"
#include "tests/support/by_key.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"

static enum put_result put(struct publisher *publisher, const struct publication *table)
{
    uint32_t empty = SLOT_NONE, slot = index_probe(&publisher->routes, table->key, &empty);
    return publisher_put(publisher, &slot, empty, table, 1);
}

static void a_publisher_without_versions_left_publishes_nothing(void **state)
{
    struct instance *instance = *state;
    struct publisher publisher;
    struct region region;
    struct routes routes;
    struct host_addr host = {1, 1};
    struct publication table = {.hosts = &host, .count = 1, .ttl_s = 15};
    instance_stop(instance);
    assert_int_equal(instance_map(instance, true, &region, &routes), SHM_OK);
    publisher_init(&publisher, &routes, VERSION_MAX - 1, 100);
    assert_int_equal(put(&publisher, &table), PUT_PUBLISHED);
    struct table seen = {0};
    assert_int_equal(table_begin(&routes, index_find(&routes, numbered_key(0)), numbered_key(0), &seen),
                     SHM_OK);
    assert_true(ref_version(seen.ref) == VERSION_MAX);
    host.port = 2;
    assert_int_equal(put(&publisher, &table), PUT_NO_ROOM);
    assert_true(table_intact(&seen));
    publisher_free(&publisher);
    region_close(&region);
}

static void g4_replaced_tables_stay_for_grace_ms(void **state)
{
    struct instance *instance = *state;
    struct region region;
    struct routes routes;
    struct host_addr hosts[4];
    struct table first;
    uint64_t now = clock_tick();
    uint32_t seen = UINT32_MAX;
    self_checking_hosts(1, 1, 4, hosts);
    assert_int_equal(put_by_key(instance->writer, numbered_key(1), hosts, 4, NULL, 15, now), SHM_OK);
    assert_int_equal(instance_map(instance, false, &region, &routes), SHM_OK);
    assert_int_equal(table_begin(&routes, index_find(&routes, numbered_key(1)), numbered_key(1), &first),
                     SHM_OK);
    for (uint32_t round = 2; round < 2000; round++) {
        self_checking_hosts(1, round, 4, hosts);
        assert_int_equal(put_by_key(instance->writer, numbered_key(1), hosts, 4, NULL, 15, now + round),
                         SHM_OK);
        assert_true(table_intact(&first));
    }
    for (uint32_t i = 0; i < 4; i++)
        assert_true(self_checking_holds(1, i, table_host(&first, i), &seen));
    assert_int_equal(seen, 1);
    region_close(&region);
}

static void hosts_leave_rotation_and_come_back_one_by_one(void **state)
{
    struct instance *instance = *state;
    instance_put(instance, 1, 1, 4, 15);
    for (int again = 0; again < 2; again++)
        set_rotation_by_key(instance->writer, numbered_key(1), 0, true, false);
    instance_expect_rotation(instance, 1, share_bits(0, SHARE_EJECTED), 1);
    set_rotation_by_key(instance->writer, numbered_key(1), 3, true, true);
    instance_expect_rotation(instance, 1, share_bits(0, SHARE_EJECTED) | share_bits(3, SHARE_DRAINED), 2);
    set_rotation_by_key(instance->writer, numbered_key(1), 3, true, false);
    instance_expect_rotation(instance, 1, share_bits(0, SHARE_EJECTED) | share_bits(3, SHARE_EJECTED), 2);
    assert_true(any_limited_by_key(instance->writer, numbered_key(1)));
    for (int again = 0; again < 2; again++)
        set_rotation_by_key(instance->writer, numbered_key(1), 0, false, false);
    set_rotation_by_key(instance->writer, numbered_key(1), 3, false, false);
    instance_expect_rotation(instance, 1, 0, 0);
    assert_false(any_limited_by_key(instance->writer, numbered_key(1)));
}

static void ejecting_a_host_that_is_not_there_changes_nothing(void **state)
{
    struct instance *instance = *state;
    instance_put(instance, 1, 1, 4, 15);
    set_rotation_by_key(instance->writer, numbered_key(1), 4, true, true);
    set_rotation_by_key(instance->writer, numbered_key(1), HOST_NONE, true, true);
    set_rotation_by_key(instance->writer, numbered_key(2), 0, true, true);
    instance_expect_rotation(instance, 1, 0, 0);
}

static void a_refresh_keeps_states_and_a_new_table_takes_those_it_is_given(void **state)
{
    struct instance *instance = *state;
    static struct host_addr hosts[70];
    uint64_t states[STATE_WORDS(70)] = {share_bits(1, SHARE_EJECTED), 0, 0, 0, share_bits(69, SHARE_DRAINED)};
    instance_put(instance, 1, 1, 4, 15);
    set_rotation_by_key(instance->writer, numbered_key(1), 2, true, false);
    instance_put(instance, 1, 1, 4, 15);
    instance_expect_rotation(instance, 1, share_bits(2, SHARE_EJECTED), 1);
    self_checking_hosts(1, 2, 70, hosts);
    assert_int_equal(put_by_key(instance->writer, numbered_key(1), hosts, 70, states, 15, clock_tick()),
                     SHM_OK);
    instance_expect_rotation(instance, 1, share_bits(1, SHARE_EJECTED), 2);
    instance_put(instance, 1, 1, 4, 15);
    instance_expect_rotation(instance, 1, 0, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_publisher_without_versions_left_publishes_nothing),
        TEST(g4_replaced_tables_stay_for_grace_ms),
        TEST(hosts_leave_rotation_and_come_back_one_by_one),
        TEST(ejecting_a_host_that_is_not_there_changes_nothing),
        TEST(a_refresh_keeps_states_and_a_new_table_takes_those_it_is_given),
    };
    return cmocka_run_group_tests_name("unit/shm/writer/publisher", tests, NULL, NULL);
}
