/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <larshm/larshm.h>

#include "tests/support/by_key.h"
#include "tests/support/client.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"

static void lookups_answer_exactly_what_was_published(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    for (uint32_t count = 1; count < 200; count += 13) {
        uint64_t key = route_key_number(route_key(count, 7));
        larshm_host host, hosts[200];
        size_t known = 0;
        uint32_t round = UINT32_MAX;
        instance_put(instance, key, count, count, 15);
        assert_int_equal(larshm_get_route(h, count, 7, hosts, 200, &known), LARSHM_OK);
        assert_int_equal(known, count);
        for (uint32_t i = 0; i < count; i++) {
            assert_true(
                self_checking_holds(key, i, (struct host_addr){hosts[i].addr, hosts[i].port}, &round));
            assert_int_equal(hosts[i].modid, count);
            assert_int_equal(hosts[i].cmdid, 7);
        }
        assert_int_equal(round, count);
        assert_int_equal(larshm_get_host(h, count, 7, &host), LARSHM_OK);
        bool found = false;
        for (uint32_t i = 0; i < count; i++)
            found |= host.addr == hosts[i].addr && host.port == hosts[i].port;
        assert_true(found);
    }
    larshm_close(h);
}

static void get_route_fills_no_more_than_there_is_room_for(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    larshm_host hosts[3];
    size_t count = 0;
    memset(hosts, 0xee, sizeof(hosts));
    instance_put(instance, 1, 1, 10, 15);
    assert_int_equal(larshm_get_route(h, 0, 1, hosts, 2, &count), LARSHM_OK);
    assert_int_equal(count, 10);
    assert_int_equal(hosts[2].port, 0xeeee);
    assert_int_equal(larshm_get_route(h, 0, 1, NULL, 0, &count), LARSHM_OK);
    assert_int_equal(count, 10);
    larshm_close(h);
}

static void copies_come_with_who_is_in_rotation_ejected_or_drained(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    larshm_host hosts[40];
    enum larshm_host_state states[41];
    size_t count = 0;
    states[40] = (enum larshm_host_state)77;
    instance_put(instance, 1, 1, 41, 15);
    set_rotation_by_key(instance->writer, numbered_key(1), 0, true, true);
    set_rotation_by_key(instance->writer, numbered_key(1), 17, true, false);
    set_rotation_by_key(instance->writer, numbered_key(1), 40, true, false);
    assert_int_equal(larshm_get_route_states(h, 0, 1, hosts, states, 40, &count), LARSHM_OK);
    assert_int_equal(count, 41);
    for (size_t i = 0; i < 40; i++)
        assert_int_equal(states[i], i == 0    ? LARSHM_HOST_DRAINED
                                    : i == 17 ? LARSHM_HOST_EJECTED
                                              : LARSHM_HOST_IN_ROTATION);
    assert_int_equal(states[40], 77);
    assert_int_equal(larshm_get_route_states(h, 0, 1, NULL, NULL, 0, &count), LARSHM_OK);
    assert_int_equal(count, 41);
    larshm_close(h);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(lookups_answer_exactly_what_was_published),
        TEST(get_route_fills_no_more_than_there_is_room_for),
        TEST(copies_come_with_who_is_in_rotation_ejected_or_drained),
    };
    return cmocka_run_group_tests_name("unit/reader/get_route", tests, NULL, NULL);
}
