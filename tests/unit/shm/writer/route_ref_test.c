/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shm/clock.h"
#include "shm/writer/route_ref.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"

enum {
    HOSTS = 40,
    TTL_S = 10,
};

static const struct route_key key = {1, 2};

static void put(struct instance *instance, uint32_t count)
{
    struct host_addr hosts[HOSTS];
    struct route_ref route = writer_find(instance->writer, key);
    bool changed;
    for (uint32_t i = 0; i < count; i++)
        hosts[i] = (struct host_addr){htonl(0x0a000001), htons((uint16_t)(2 * i + 10))};
    assert_int_equal(writer_put(instance->writer, &route, hosts, count, NULL, TTL_S, clock_tick(), &changed),
                     SHM_OK);
}

static void unknown_route_is_not_here_and_has_no_hosts(void **state)
{
    struct instance *instance = *state;
    struct host_addr hosts[1];
    const struct route_ref route = writer_find(instance->writer, key);
    assert_false(route_ref_is_here(&route));
    assert_int_equal(route_ref_state(&route), ROUTE_UNKNOWN);
    assert_int_equal(route_ref_count(&route), 0);
    assert_int_equal(route_ref_hosts(&route, hosts), 0);
    assert_int_equal(route_ref_find_host(&route, (struct host_addr){1, 1}), HOST_NONE);
    assert_false(route_ref_is_expired(&route, UINT64_MAX / 2));
    assert_false(route_ref_is_held(&route));
    assert_false(route_ref_any_limited(&route));
}

static void each_host_is_found_where_it_is_and_no_other(void **state)
{
    struct instance *instance = *state;
    put(instance, HOSTS);
    const struct route_ref route = writer_find(instance->writer, key);
    assert_int_equal(route_ref_count(&route), HOSTS);
    for (uint32_t i = 0; i < HOSTS; i++) {
        struct host_addr host = {htonl(0x0a000001), htons((uint16_t)(2 * i + 10))};
        assert_int_equal(route_ref_find_host(&route, host), i);
        host.port = htons((uint16_t)(2 * i + 11));
        assert_int_equal(route_ref_find_host(&route, host), HOST_NONE);
    }
}

static void what_changes_in_place_shows_in_a_ref_that_was_found_before(void **state)
{
    struct instance *instance = *state;
    put(instance, HOSTS);
    const struct route_ref route = writer_find(instance->writer, key);
    assert_int_equal(route_ref_state(&route), ROUTE_NEW);
    writer_set_pulling(instance->writer, &route);
    assert_int_equal(route_ref_state(&route), ROUTE_PULLING);
    assert_false(route_ref_is_expired(&route, clock_tick() + 1000 * (TTL_S + 1)));
    writer_set_new(instance->writer, &route);
    assert_true(route_ref_is_expired(&route, clock_tick() + 1000 * (TTL_S + 1)));
    writer_set_held(instance->writer, &route, HOLD_EMPTY);
    assert_true(route_ref_is_held(&route) && !route_ref_is_spared(&route));
    writer_set_spared(instance->writer, &route, true);
    writer_set_held(instance->writer, &route, 0);
    assert_true(!route_ref_is_held(&route) && route_ref_is_spared(&route));
    put(instance, HOSTS); /* the answer of a refresh */
    assert_true(route_ref_is_spared(&route));
    writer_set_held(instance->writer, &route, HOLD_EMPTY);
    writer_set_spared(instance->writer, &route, false);
    assert_true(route_ref_is_held(&route) && !route_ref_is_spared(&route));
    writer_set_share(instance->writer, &route, HOSTS - 1, SHARE_EJECTED);
    assert_true(route_ref_any_limited(&route));
    writer_set_share(instance->writer, &route, HOSTS - 1, SHARE_FULL);
    assert_false(route_ref_any_limited(&route));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(unknown_route_is_not_here_and_has_no_hosts),
        TEST(each_host_is_found_where_it_is_and_no_other),
        TEST(what_changes_in_place_shows_in_a_ref_that_was_found_before),
    };
    return cmocka_run_group_tests_name("unit/shm/writer/route_ref", tests, NULL, NULL);
}
