/* SPDX-License-Identifier: MIT */
/* Another host for another attempt. Route (0, n) has n hosts with the ports 1 .. n. */
#include <arpa/inet.h>
#include <stdlib.h>

#include <larshm/larshm.h>

#include "tests/support/by_key.h"
#include "tests/support/client.h"

enum {
    TRIED_MOST = 8,
    HOSTS_MOST = 70,
    WINDOW = 1000,
    PICKS = 3000,
    OFF_MOST = WINDOW / 50,
};

static larshm_host host_of(uint32_t at)
{
    struct host_addr host = {htonl(UINT32_C(0x0a000001)), htons((uint16_t)(at + 1))};
    return (larshm_host){.addr = host.address, .port = host.port};
}

/* Tries hosts from..from + count - 1, modulo the route's. */
static void name_tried(larshm_host *tried, uint32_t count, uint32_t from, uint32_t hosts)
{
    for (uint32_t i = 0; i < count; i++)
        tried[i] = host_of((from + i) % hosts);
}

static bool is_among(const larshm_host *host, const larshm_host *tried, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (tried[i].port == host->port)
            return true;
    return false;
}

static larshm_host pick(larshm *h, uint32_t hosts, const larshm_host *tried, size_t count)
{
    larshm_host host = {0};
    assert_int_equal(larshm_get_host_except(h, 0, hosts, tried, count, &host), LARSHM_OK);
    assert_int_equal(host.addr, host_of(0).addr);
    assert_in_range(ntohs(host.port), 1, hosts);
    assert_int_equal(host.modid, 0);
    assert_int_equal(host.cmdid, hosts);
    return host;
}

static larshm *open_route(struct instance *instance, uint32_t hosts)
{
    instance_put_ports(instance, route_key(0, hosts), hosts);
    return client_open(instance);
}

static void another_host_than_those_that_were_tried(void **state)
{
    larshm_host tried[TRIED_MOST];
    for (uint32_t hosts = 2; hosts <= HOSTS_MOST; hosts++) {
        larshm *h = open_route(*state, hosts);
        for (uint32_t count = 0; count <= TRIED_MOST && count < hosts; count++)
            for (uint32_t from = 0; from < 20; from++) {
                name_tried(tried, count, from, hosts);
                for (int i = 0; i < 20; i++) {
                    larshm_host host = pick(h, hosts, tried, count);
                    assert_false(is_among(&host, tried, count));
                }
            }
        larshm_close(h);
    }
}

/* The usual loop: a failed host is added to those that were tried, and the next one asked for in place. */
static void as_many_attempts_as_there_are_hosts_reach_each_of_them_once(void **state)
{
    for (uint32_t hosts = 1; hosts <= TRIED_MOST; hosts++) {
        larshm *h = open_route(*state, hosts);
        for (int round = 0; round < 100; round++) {
            larshm_host tried[TRIED_MOST + 1];
            assert_int_equal(larshm_get_host(h, 0, hosts, &tried[0]), LARSHM_OK);
            for (uint32_t attempt = 1; attempt <= hosts; attempt++) {
                tried[attempt] = pick(h, hosts, tried, attempt);
                assert_int_equal(is_among(&tried[attempt], tried, attempt), attempt == hosts);
            }
        }
        larshm_close(h);
    }
}

static void all_that_were_not_tried_get_the_same_share(void **state)
{
    static uint8_t picks[PICKS];
    static const uint32_t sizes[] = {2, 3, 4, 5, 8, 9, 10, 16, 33, 64};
    larshm_host tried[TRIED_MOST];
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        uint32_t hosts = sizes[i];
        larshm *h = open_route(*state, hosts);
        for (uint32_t count = 1; count <= TRIED_MOST && count < hosts; count++) {
            uint32_t seen[HOSTS_MOST] = {0}, left = hosts - count;
            name_tried(tried, count, count, hosts);
            for (uint32_t n = 0; n < PICKS; n++) {
                larshm_host host = pick(h, hosts, tried, count);
                picks[n] = (uint8_t)(ntohs(host.port) - 1);
                seen[picks[n]]++;
                if (n >= WINDOW)
                    seen[picks[n - WINDOW]]--;
                for (uint32_t at = 0; n + 1 >= WINDOW && at < hosts; at++) {
                    larshm_host other = host_of(at);
                    int64_t off = (int64_t)seen[at] * left - (is_among(&other, tried, count) ? 0 : WINDOW);
                    if (llabs(off) > (int64_t)OFF_MOST * left)
                        fail_msg("%u of %u hosts, %u tried, had %u of %d picks", at, hosts, count, seen[at],
                                 WINDOW);
                }
            }
        }
        larshm_close(h);
    }
}

static void one_that_is_in_rotation(void **state)
{
    struct instance *instance = *state;
    larshm_host tried[TRIED_MOST];
    for (uint32_t hosts = 3; hosts <= HOSTS_MOST; hosts++) {
        larshm *h = open_route(instance, hosts);
        /* All but every third are ejected, or drained. */
        for (uint32_t at = 0; at < hosts; at++)
            set_rotation_by_key(instance->writer, route_key(0, hosts), at, at % 3 != 0, at % 3 == 2);
        uint32_t in = (hosts + 2) / 3;
        for (uint32_t count = 1; count <= TRIED_MOST; count++) {
            uint32_t untried = 0;
            for (uint32_t i = 0; i < count; i++) /* those in rotation first */
                tried[i] = host_of(3 * i < hosts ? 3 * i : 1);
            untried = in > count ? in - count : 0;
            for (int i = 0; i < 100; i++) { /* no probe either */
                larshm_host host = pick(h, hosts, tried, count);
                assert_int_equal((ntohs(host.port) - 1) % 3, 0);
                assert_int_equal(is_among(&host, tried, count), untried == 0);
            }
        }
        larshm_close(h);
    }
}

static void with_none_in_rotation_it_is_as_without_the_tried(void **state)
{
    struct instance *instance = *state;
    larshm *h = open_route(instance, 3);
    larshm_host tried = host_of(0), host = host_of(7);
    int probes = 0;
    for (uint32_t at = 0; at < 3; at++)
        set_rotation_by_key(instance->writer, route_key(0, 3), at, true, false);
    for (int i = 0; i < 100; i++) {
        int code = larshm_get_host_except(h, 0, 3, &tried, 1, &host);
        assert_true(code == LARSHM_OK || code == LARSHM_OVERLOAD);
        probes += code == LARSHM_OK;
    }
    assert_in_range(probes, 1, 20);
    larshm_close(h);
}

static void the_codes_are_those_of_get_host(void **state)
{
    larshm_host tried[TRIED_MOST + 1], host = host_of(7);
    larshm *h = open_route(*state, 2);
    name_tried(tried, TRIED_MOST + 1, 0, 2);
    assert_int_equal(larshm_get_host_except(h, 0, 2, tried, TRIED_MOST + 1, &host), LARSHM_BAD_ARGUMENT);
    assert_int_equal(larshm_get_host_except(h, 0, 99, tried, 1, &host), LARSHM_PENDING);
    assert_int_equal(larshm_get_host_except(h, UINT32_MAX, UINT32_MAX, tried, 1, &host), LARSHM_NOEXIST);
    assert_int_equal(ntohs(host.port), 8); /* as it was */
    assert_int_equal(larshm_get_host_except(h, 0, 2, NULL, 0, &host), LARSHM_OK);
    assert_int_equal(larshm_get_host_except(h, 0, 2, &host, 1, &host), LARSHM_OK); /* in place */
    larshm_close(h);
}

static void only_address_and_port_of_the_tried_count(void **state)
{
    larshm *h = open_route(*state, 2);
    larshm_host tried = host_of(0);
    tried.modid = tried.cmdid = 12345;
    for (int i = 0; i < 10; i++)
        assert_int_equal(ntohs(pick(h, 2, &tried, 1).port), 2);
    tried.addr ^= 1;
    assert_int_not_equal(pick(h, 2, &tried, 1).port, pick(h, 2, &tried, 1).port);
    larshm_close(h);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(another_host_than_those_that_were_tried),
        TEST(as_many_attempts_as_there_are_hosts_reach_each_of_them_once),
        TEST(all_that_were_not_tried_get_the_same_share),
        TEST(one_that_is_in_rotation),
        TEST(with_none_in_rotation_it_is_as_without_the_tried),
        TEST(the_codes_are_those_of_get_host),
        TEST(only_address_and_port_of_the_tried_count),
    };
    return cmocka_run_group_tests_name("unit/reader/get_host_except", tests, NULL, NULL);
}
