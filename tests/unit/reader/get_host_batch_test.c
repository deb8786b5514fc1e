/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>

#include <larshm/larshm.h>

#include "shm/clock.h"
#include "tests/support/by_key.h"
#include "tests/support/client.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"

static void get_host_batch_answers_for_each_route_as_get_host_does(void **state)
{
    enum {
        COUNT = 100
    };
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    larshm_host hosts[COUNT];
    int codes[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) {
        hosts[i] = (larshm_host){.modid = 1, .cmdid = i};
        if (i % 5)
            instance_put(instance, route_key_number(route_key(1, i)), 1, i % 5 == 4 ? 0 : i % 5, 15);
    }
    assert_int_equal(larshm_get_host_batch(h, hosts, codes, COUNT), COUNT / 5 * 3);
    for (uint32_t i = 0; i < COUNT; i++) {
        bool found = false;
        for (uint32_t at = 0; at < i % 5; at++) {
            uint32_t round = UINT32_MAX;
            found |= self_checking_holds(route_key_number(route_key(1, i)), at,
                                         (struct host_addr){hosts[i].addr, hosts[i].port}, &round);
        }
        assert_int_equal(codes[i], i % 5 == 0 ? LARSHM_PENDING : i % 5 == 4 ? LARSHM_NOEXIST : LARSHM_OK);
        assert_int_equal(found, codes[i] == LARSHM_OK);
    }
    assert_int_equal(larshm_get_host_batch(h, hosts, codes, 0), 0);
    assert_ptr_equal(larshm_get_hosts, larshm_get_host_batch); /* the name of 0.1 */
    larshm_close(h);
}

enum {
    MANY = 1000 /* routes: several sections, and several batches of counts */
};

static void ask(larshm *h, larshm_host *hosts, int *codes, uint32_t modid, size_t count)
{
    for (uint32_t i = 0; i < count; i++)
        hosts[i] = (larshm_host){.modid = modid, .cmdid = i};
    larshm_get_host_batch(h, hosts, codes, count);
}

/* Of up to 60 hosts, one of which is out of rotation in each third route. */
static void a_batch_of_any_length_leaves_no_route_out(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    static larshm_host hosts[MANY];
    static int codes[MANY];
    for (uint32_t i = 0; i < MANY; i++) {
        instance_put_ports(instance, route_key(1, i), i % 60);
        if (i % 3 == 0 && i % 60 > 1)
            set_rotation_by_key(instance->writer, route_key(1, i), 0, true, false);
    }
    for (size_t count = 0; count <= MANY; count += count < 300 ? 1 : 101) {
        ask(h, hosts, codes, 1, count);
        for (uint32_t i = 0; i < count; i++) {
            assert_int_equal(codes[i], i % 60 ? LARSHM_OK : LARSHM_NOEXIST);
            assert_true(hosts[i].modid == 1 && hosts[i].cmdid == i);
            if (i % 60)
                assert_in_range(ntohs(hosts[i].port), 1, i % 60);
        }
    }
    larshm_close(h);
}

static void a_batch_of_one_route_goes_round_its_hosts(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    static larshm_host hosts[MANY];
    static int codes[MANY];
    uint32_t seen[8] = {0};
    instance_put_ports(instance, route_key(1, 0), 8);
    for (uint32_t i = 0; i < MANY; i++)
        hosts[i] = (larshm_host){.modid = 1};
    assert_int_equal(larshm_get_host_batch(h, hosts, codes, MANY), MANY);
    for (uint32_t i = 0; i < MANY; i++) {
        seen[ntohs(hosts[i].port) - 1]++;
        assert_true(i == 0 || hosts[i].port != hosts[i - 1].port);
    }
    for (uint32_t host = 0; host < 8; host++)
        assert_in_range(seen[host], MANY / 8 - 5, MANY / 8 + 5);
    larshm_close(h);
}

static void g3_a_batch_sees_what_was_published_before(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    static larshm_host hosts[MANY];
    static int codes[MANY];
    for (uint32_t round = 1; round <= 3; round++) {
        instance_renew(instance);
        for (uint32_t i = 0; i < MANY; i++)
            instance_put(instance, route_key_number(route_key(1, i)), round, 3, 15);
        ask(h, hosts, codes, 1, MANY);
        for (uint32_t i = 0; i < MANY; i++) {
            const struct host_addr host = {hosts[i].addr, hosts[i].port};
            bool holds = false;
            for (uint32_t at = 0; at < 3; at++) {
                uint32_t seen = round;
                holds |= self_checking_holds(route_key_number(route_key(1, i)), at, host, &seen);
            }
            assert_true(codes[i] == LARSHM_OK && holds);
        }
    }
    larshm_close(h);
}

static void g9_a_batch_answers_with_expired_routes_and_demands_them(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    larshm_host hosts[KEYS_MAX];
    int codes[KEYS_MAX];
    for (uint32_t i = 0; i < KEYS_MAX; i++)
        instance_put_ports(instance, route_key(1, i), 1 + i % 30);
    ask(h, hosts, codes, 1, KEYS_MAX);
    assert_int_equal(instance_flagged(instance).count, 0);
    instance_heartbeat(instance, clock_tick() + UINT64_C(1000) * TTL_MAX_S * 2);
    ask(h, hosts, codes, 1, KEYS_MAX);
    for (uint32_t i = 0; i < KEYS_MAX; i++)
        assert_int_equal(codes[i], LARSHM_OK);
    assert_int_equal(instance_flagged(instance).count, KEYS_MAX);
    larshm_close(h);
}

static void each_lookup_of_a_batch_is_counted_once(void **state)
{
    struct instance *instance = *state;
    larshm *h = client_open(instance);
    static larshm_host hosts[MANY];
    static int codes[MANY];
    const struct routes_header *s_header;
    struct region region;
    struct routes routes;
    for (uint32_t i = 0; i < MANY; i += 2)
        instance_put(instance, route_key_number(route_key(1, i)), 1, 1 + i % 3, 15);
    for (int i = 0; i < 100; i++)
        ask(h, hosts, codes, 1, MANY);
    larshm_close(h);
    assert_int_equal(writer_maintain(instance->writer, clock_tick()), SHM_OK);
    assert_int_equal(instance_map(instance, false, &region, &routes), SHM_OK);
    s_header = routes.s_header;
    /* What is left of a batch of counts is not added. */
    assert_in_range(load_relaxed(&s_header->counters[COUNTER_lookups]), 100 * MANY - 1000, 100 * MANY);
    assert_in_range(load_relaxed(&s_header->counters[COUNTER_lookups_missed]), 50 * MANY - 1000, 50 * MANY);
    region_close(&region);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(get_host_batch_answers_for_each_route_as_get_host_does),
        TEST(a_batch_of_any_length_leaves_no_route_out),
        TEST(a_batch_of_one_route_goes_round_its_hosts),
        TEST(g3_a_batch_sees_what_was_published_before),
        TEST(g9_a_batch_answers_with_expired_routes_and_demands_them),
        TEST(each_lookup_of_a_batch_is_counted_once),
    };
    return cmocka_run_group_tests_name("unit/reader/get_host_batch", tests, NULL, NULL);
}
