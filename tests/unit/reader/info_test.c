/* SPDX-License-Identifier: MIT */
#include <larshm/larshm.h>

#include "shm/clock.h"
#include "tests/support/by_key.h"
#include "tests/support/client.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"

static void info_shows_age_state_and_fetcher(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    larshm_route_info info;
    instance_heartbeat(instance, clock_tick());
    writer_connection(instance->writer, CONNECTION_UP, clock_tick());
    assert_int_equal(larshm_info(h, 0, 1, &info), LARSHM_PENDING);
    assert_true(info.fetcher_alive && info.connected && info.can_ask);
    assert_int_equal(instance_missed(instance).count, 0);

    struct host_addr host;
    uint64_t then = clock_tick() - 20 * 1000;
    self_checking_hosts(1, 1, 1, &host);
    assert_int_equal(put_by_key(instance->writer, numbered_key(1), &host, 1, NULL, 15, then), SHM_OK);
    assert_int_equal(larshm_info(h, 0, 1, &info), LARSHM_OK);
    assert_int_equal(info.hosts, 1);
    assert_int_equal(info.update_timeout_s, 15);
    assert_in_range(info.age_ms, 20 * 1000, 120 * 1000);
    assert_true(info.expired && !info.pulling);
    uint64_t version = info.version;

    set_pulling_by_key(instance->writer, numbered_key(1));
    assert_int_equal(larshm_info(h, 0, 1, &info), LARSHM_OK);
    assert_true(info.pulling && info.expired);
    assert_in_range(info.age_ms, 20 * 1000, 120 * 1000);

    instance_put(instance, 1, 2, 3, 15);
    assert_int_equal(larshm_info(h, 0, 1, &info), LARSHM_OK);
    assert_true(!info.pulling && !info.expired && info.version > version && info.age_ms < 15 * 1000);

    instance_put(instance, 1, 2, 0, 15);
    assert_int_equal(larshm_info(h, 0, 1, &info), LARSHM_NOEXIST);
    assert_int_equal(info.hosts, 0);
    larshm_close(h);
}

static void info_shows_what_is_ejected_drained_and_spared(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    larshm_route_info info;
    instance_put(instance, 1, 1, 40, 15);
    assert_int_equal(larshm_info(h, 0, 1, &info), LARSHM_OK);
    assert_true(info.ejected == 0 && info.drained == 0 && info.spared == 0);
    const struct route_ref route = writer_find(instance->writer, numbered_key(1));
    for (uint32_t at = 0; at < 5; at++)
        writer_set_share(instance->writer, &route, at * 9, SHARE_EJECTED);
    for (uint32_t at = 0; at < 3; at++)
        writer_set_share(instance->writer, &route, at * 9 + 1, SHARE_DRAINED);
    writer_set_share(instance->writer, &route, 2, 3); /* eighths: in rotation */
    writer_set_spared(instance->writer, &route, true);
    writer_set_held(instance->writer, &route, HOLD_EMPTY);
    assert_int_equal(larshm_info(h, 0, 1, &info), LARSHM_OK);
    assert_true(info.ejected == 5 && info.drained == 3 && info.spared == 1);
    instance_renew(instance);
    assert_int_equal(larshm_info(h, 0, 1, &info), LARSHM_OK);
    assert_true(info.ejected == 5 && info.drained == 3 && info.spared == 1);
    instance_heartbeat(instance,
                       clock_tick() - 1000 * 1000); /* a fetcher that is dead for long: ejections are over */
    assert_int_equal(larshm_info(h, 0, 1, &info), LARSHM_OK);
    assert_true(info.ejected == 0 && info.drained == 3);
    larshm_close(h);
}

static void g9_a_dead_fetcher_is_visible_and_its_routes_are_served(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    larshm_route_info info;
    larshm_host host;
    instance_put(instance, 1, 1, 4, 15);
    instance_heartbeat(instance, clock_tick() - 10 * 1000);
    assert_int_equal(larshm_info(h, 0, 1, &info), LARSHM_OK);
    assert_true(!info.fetcher_alive && info.fetcher_silent_ms >= 10 * 1000);
    instance_heartbeat(instance, clock_tick());
    instance_stop(instance);
    assert_int_equal(larshm_info(h, 0, 1, &info), LARSHM_OK);
    assert_true(!info.fetcher_alive && !info.connected);
    assert_int_equal(larshm_get_host(h, 0, 1, &host), LARSHM_OK);
    instance_start(instance);
    assert_int_equal(larshm_info(h, 0, 1, &info), LARSHM_OK);
    assert_true(info.fetcher_alive);
    larshm_close(h);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(info_shows_age_state_and_fetcher),
        TEST(info_shows_what_is_ejected_drained_and_spared),
        TEST(g9_a_dead_fetcher_is_visible_and_its_routes_are_served),
    };
    return cmocka_run_group_tests_name("unit/reader/info", tests, NULL, NULL);
}
