/* SPDX-License-Identifier: MIT */
#include <unistd.h>

#include "shm/check.h"
#include "shm/clock.h"
#include "shm/index.h"
#include "shm/table.h"
#include "tests/support/by_key.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"

static void same_hosts_only_change_the_times(void **state)
{
    struct instance *instance = *state;
    struct region region;
    struct routes routes;
    instance_put(instance, 1, 1, 4, 15);
    assert_int_equal(instance_map(instance, false, &region, &routes), SHM_OK);
    struct table before, after;
    uint32_t slot = index_find(&routes, numbered_key(1));
    assert_int_equal(table_begin(&routes, slot, numbered_key(1), &before), SHM_OK);
    set_pulling_by_key(instance->writer, numbered_key(1));
    assert_int_equal(state_by_key(instance->writer, numbered_key(1)), ROUTE_PULLING);
    usleep(3000);
    instance_put(instance, 1, 1, 4, 15);
    assert_int_equal(table_begin(&routes, slot, numbered_key(1), &after), SHM_OK);
    assert_true(after.ref == before.ref);
    assert_true(table_fetched(&after) > table_fetched(&before));
    assert_int_equal(state_by_key(instance->writer, numbered_key(1)), ROUTE_NEW);
    region_close(&region);
}

static void another_update_timeout_is_no_change_of_the_route(void **state)
{
    struct instance *instance = *state;
    struct region region;
    struct routes routes;
    struct table before, after;
    instance_put(instance, 1, 1, 4, 15);
    assert_int_equal(instance_map(instance, false, &region, &routes), SHM_OK);
    uint32_t slot = index_find(&routes, numbered_key(1));
    assert_int_equal(table_begin(&routes, slot, numbered_key(1), &before), SHM_OK);
    instance_put(instance, 1, 1, 4, 60);
    assert_int_equal(table_begin(&routes, slot, numbered_key(1), &after), SHM_OK);
    assert_true(after.ref == before.ref);
    assert_int_equal(after.ttl_s, 60);
    assert_true(table_fetched(&after) >= table_fetched(&before));
    assert_true(after.expires > before.expires + 60000 * 7 / 10 - 15000 - 1);
    region_close(&region);
}

static void max_bytes_refuses_new_keys_and_serves_known_ones(void **state)
{
    struct instance *instance = *state;
    struct host_addr hosts[8];
    uint32_t known = 0;
    enum shm_status status = SHM_OK;
    for (uint64_t key = 1; status == SHM_OK && key < 100000; key++) {
        self_checking_hosts(key, 1, 8, hosts);
        status = put_by_key(instance->writer, numbered_key(key), hosts, 8, NULL, 15, clock_tick());
        known += status == SHM_OK;
    }
    assert_int_equal(status, SHM_FULL);
    assert_true(known > 10000);
    assert_true(writer_refusing(instance->writer));
    struct region region;
    struct routes routes;
    struct check_report report;
    assert_int_equal(instance_map(instance, false, &region, &routes), SHM_OK);
    assert_true(region.size <= instance->options.max_bytes);
    assert_int_equal(check_routes(&routes, &report), SHM_OK);
    assert_int_equal(report.keys, known);
    region_close(&region);
}

static void unknown_keys_are_limited_in_number(void **state)
{
    struct instance *instance = *state;
    uint32_t accepted = 0;
    for (uint64_t key = 1; key <= 1000; key++)
        accepted +=
            put_by_key(instance->writer, numbered_key(key), NULL, 0, NULL, 15, clock_tick()) == SHM_OK;
    assert_int_equal(accepted, 100);
    assert_true(writer_refusing(instance->writer));
    instance_put(instance, 5000, 1, 4, 15);
    assert_int_equal(writer_counter(instance->writer, COUNTER_refused_unknown), 900);
}

static void expired_unknown_keys_make_room(void **state)
{
    struct instance *instance = *state;
    uint64_t now = clock_tick();
    for (uint64_t key = 1; key <= 100; key++)
        assert_int_equal(put_by_key(instance->writer, numbered_key(key), NULL, 0, NULL, 1, now), SHM_OK);
    uint64_t later = now + 60 * 1000;
    assert_int_equal(put_by_key(instance->writer, numbered_key(101), NULL, 0, NULL, 1, later), SHM_OK);
    assert_int_equal(writer_counter(instance->writer, COUNTER_negative), 1);
    assert_int_equal(state_by_key(instance->writer, numbered_key(1)), ROUTE_UNKNOWN);
}

static void a_hold_is_shown_until_the_next_answer(void **state)
{
    struct instance *instance = *state;
    instance_put(instance, 1, 1, 4, 15);
    set_held_by_key(instance->writer, numbered_key(1), HOLD_EMPTY);
    assert_true(held_by_key(instance->writer, numbered_key(1)));
    instance_renew(instance);
    assert_true(held_by_key(instance->writer, numbered_key(1)));
    instance_put(instance, 1, 1, 4, 15);
    assert_false(held_by_key(instance->writer, numbered_key(1)));
    set_held_by_key(instance->writer, numbered_key(1), HOLD_EMPTY);
    instance_put(instance, 1, 2, 4, 15);
    assert_false(held_by_key(instance->writer, numbered_key(1)));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(same_hosts_only_change_the_times),
        TEST(another_update_timeout_is_no_change_of_the_route),
        TEST(max_bytes_refuses_new_keys_and_serves_known_ones),
        TEST(unknown_keys_are_limited_in_number),
        TEST(expired_unknown_keys_make_room),
        TEST(a_hold_is_shown_until_the_next_answer),
    };
    return cmocka_run_group_tests_name("unit/shm/writer/writer_routes", tests, NULL, NULL);
}
