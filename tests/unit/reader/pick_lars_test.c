/* SPDX-License-Identifier: MIT */
/* Which hosts larshm_get_host() gives by Lars' rules when some are out of rotation: probes, and operators' overrides. */
#include <arpa/inet.h>
#include <stdlib.h>

#include <larshm/larshm.h>

#include "tests/support/by_key.h"
#include "tests/support/instance.h"

enum {
    MODID = 3,
    HOSTS_MOST = 1000,
    PROBE_NUM = 10, /* of instance_setup() */
    PERIOD = PROBE_NUM + 1,
    NONE = -1,
};

/* Round the words of states: 16 hosts in each. */
static const uint32_t sizes[] = {1, 2, 15, 16, 17, 63, 64, 65, HOSTS_MOST};
enum {
    SIZES = sizeof(sizes) / sizeof(*sizes)
};

struct fixture {
    struct instance *instance;
    larshm *h;
};

/* Route (MODID, count) has `count` hosts with the ports 1 .. count. */
static int setup(void **state)
{
    void *instance = NULL;
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    if (!fixture || instance_setup(&instance) != 0)
        return -1;
    fixture->instance = instance;
    fixture->instance->options.settings.lars_rules = 1;
    writer_reload(fixture->instance->writer, &fixture->instance->options);
    for (int i = 0; i < SIZES; i++)
        instance_put_ports(fixture->instance, route_key(MODID, sizes[i]), sizes[i]);
    *state = fixture;
    return larshm_open(&fixture->h, fixture->instance->name) == LARSHM_OK ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    larshm_close(fixture->h);
    instance_teardown((void *[]){fixture->instance});
    free(fixture);
    return 0;
}

static void rotation_out(const struct fixture *fixture, uint32_t count, uint32_t host, bool out, bool drained)
{
    set_rotation_by_key(fixture->instance->writer, route_key(MODID, count), host, out, drained);
}

/* The host's number, or NONE when all are overloaded. */
static int pick(const struct fixture *fixture, uint32_t count)
{
    larshm_host host = {.port = 0};
    int code = larshm_get_host(fixture->h, MODID, count, &host);
    if (code == LARSHM_OVERLOAD) {
        assert_int_equal(host.port, 0);
        return NONE;
    }
    assert_int_equal(code, LARSHM_OK);
    assert_in_range(ntohs(host.port), 1, count);
    return ntohs(host.port) - 1;
}

/* Every third host is overloaded, and every 15th drained, beginning with the last one. */
static bool is_overloaded(uint32_t count, int host)
{
    return (count - 1 - (uint32_t)host) % 3 == 0;
}

static bool is_drained(uint32_t count, int host)
{
    return (count - 1 - (uint32_t)host) % 15 == 3;
}

static void only_hosts_in_rotation_are_picked_and_only_ejected_ones_probed(void **state)
{
    const struct fixture *fixture = *state;
    for (int i = 1; i < SIZES; i++) {
        uint32_t count = sizes[i], picks = count * PERIOD * 4, seen = 0, can_be_seen = 0;
        uint32_t *times = calloc(count, sizeof(*times));
        assert_non_null(times);
        for (int host = 0; host < (int)count; host++) {
            bool drained = is_drained(count, host);
            can_be_seen += !drained;
            rotation_out(fixture, count, (uint32_t)host, drained || is_overloaded(count, host), drained);
        }
        for (uint32_t nth = 0; nth < picks; nth++) {
            int host = pick(fixture, count);
            assert_int_not_equal(host, NONE);
            assert_false(is_drained(count, host));
            /* Exactly after each probe_num picks. */
            assert_int_equal(is_overloaded(count, host), nth % PERIOD == PROBE_NUM);
            seen += times[host]++ == 0;
        }
        assert_int_equal(seen, can_be_seen);
        free(times);
    }
}

static void probes_go_to_all_ejected_hosts_one_after_the_other(void **state)
{
    const struct fixture *fixture = *state;
    for (uint32_t host = 20; host < 60; host++)
        rotation_out(fixture, 65, host, true, false);
    for (uint32_t nth = 0; nth < 40 * PERIOD; nth++) {
        int host = pick(fixture, 65);
        if (nth % PERIOD == PROBE_NUM)
            assert_int_equal(host, 20 + nth / PERIOD);
    }
}

static void with_all_hosts_ejected_one_is_given_after_probe_num_overloads(void **state)
{
    const struct fixture *fixture = *state;
    for (int i = 0; i < SIZES; i++) {
        for (uint32_t host = 0; host < sizes[i]; host++)
            rotation_out(fixture, sizes[i], host, true, false);
        for (uint32_t nth = 0; nth < 3 * PERIOD; nth++) {
            int host = pick(fixture, sizes[i]);
            assert_int_equal(host == NONE, nth % PERIOD != PROBE_NUM);
        }
    }
}

static void with_all_hosts_drained_none_is_ever_given(void **state)
{
    const struct fixture *fixture = *state;
    for (int i = 0; i < SIZES; i++) {
        for (uint32_t host = 0; host < sizes[i]; host++)
            rotation_out(fixture, sizes[i], host, true, true);
        for (uint32_t nth = 0; nth < 3 * PERIOD; nth++)
            assert_int_equal(pick(fixture, sizes[i]), NONE);
    }
}

static void hosts_back_in_rotation_are_picked_as_before(void **state)
{
    const struct fixture *fixture = *state;
    for (int i = 0; i < SIZES; i++) {
        uint32_t count = sizes[i];
        for (int round = 0; round < 2; round++)
            for (uint32_t host = 0; host < count; host++)
                rotation_out(fixture, count, host, round == 0, round == 0);
        uint32_t *times = calloc(count, sizeof(*times));
        assert_non_null(times);
        for (uint32_t nth = 0; nth < count * 10; nth++)
            times[pick(fixture, count)]++;
        for (uint32_t host = 0; host < count; host++)
            assert_in_range(times[host], 7, 13);
        free(times);
    }
}

static void states_go_with_their_hosts_to_a_new_generation(void **state)
{
    const struct fixture *fixture = *state;
    for (uint32_t host = 0; host < 65; host++)
        rotation_out(fixture, 65, host, host != 64, true);
    instance_renew(fixture->instance);
    for (uint32_t nth = 0; nth < 3 * PERIOD; nth++)
        assert_int_equal(pick(fixture, 65), 64);
    rotation_out(fixture, 65, 64, true, false);
    rotation_out(fixture, 65, 0, false, false);
    for (uint32_t nth = 0; nth < PROBE_NUM; nth++)
        assert_int_equal(pick(fixture, 65), 0);
    assert_int_equal(pick(fixture, 65), 64);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(only_hosts_in_rotation_are_picked_and_only_ejected_ones_probed),
        TEST(probes_go_to_all_ejected_hosts_one_after_the_other),
        TEST(with_all_hosts_ejected_one_is_given_after_probe_num_overloads),
        TEST(with_all_hosts_drained_none_is_ever_given),
        TEST(hosts_back_in_rotation_are_picked_as_before),
        TEST(states_go_with_their_hosts_to_a_new_generation),
    };
    return cmocka_run_group_tests_name("unit/reader/pick_lars", tests, NULL, NULL);
}
