/* SPDX-License-Identifier: MIT */
/* Tables of the released layout: the next fetcher has their hosts, and who was out of rotation. */
#include <arpa/inet.h>
#include <string.h>

#include "shm/writer/adopted_table.h"
#include "tests/support/by_key.h"
#include "tests/support/instance.h"

/* Round what a word of masks or states is for. */
static const uint32_t sizes[] = {1, 4, 15, 16, 17, 31, 32, 33, 48, 49, 64, 65, 1000, HOSTS_MAX};
enum {
    SIZES = sizeof(sizes) / sizeof(*sizes)
};

static bool is_drained(uint32_t host)
{
    return host % 5 == 3;
}

static bool is_ejected(uint32_t host)
{
    return host % 7 == 6 || is_drained(host);
}

/* As layout 2 has it: a word for 32 hosts, ejected ones in its lower half, drained ones in its upper half. */
static void write_as_released(struct block *s_block, uint32_t count)
{
    static uint32_t addresses[HOSTS_MAX];
    static uint16_t ports[HOSTS_MAX];
    uint32_t words = (count + 31) / 32;
    memcpy(addresses, (const void *)block_addresses(s_block, count), count * sizeof(*addresses));
    memcpy(ports, (const void *)block_ports(s_block, count), count * sizeof(*ports));
    uint64_t *s_masks = (uint64_t *)((char *)s_block + 32);
    memset(s_masks, 0, words * sizeof(*s_masks));
    for (uint32_t host = 0; host < count; host++)
        s_masks[host / 32] |= (uint64_t)is_ejected(host) << host % 32 | (uint64_t)is_drained(host)
                                                                            << (32 + host % 32);
    memcpy(s_masks + words, addresses, count * sizeof(*addresses));
    memcpy((char *)(s_masks + words) + count * sizeof(*addresses), ports, count * sizeof(*ports));
}

static void release(struct instance *instance, struct region *region, struct routes *routes)
{
    for (int i = 0; i < SIZES; i++)
        instance_put_ports(instance, route_key(1, sizes[i]), sizes[i]);
    instance_stop(instance);
    assert_int_equal(instance_map(instance, true, region, routes), SHM_OK);
    for (int i = 0; i < SIZES; i++) {
        uint64_t ref = load_relaxed(&routes_slot(routes, index_find(routes, route_key(1, sizes[i])))->ref);
        write_as_released(routes_block(routes, ref_unit(ref)), sizes[i]);
    }
    routes->s_header->id.layout_version = LAYOUT_RELEASED;
    routes->s_header->id.fingerprint = FINGERPRINT_RELEASED;
}

static void expect_hosts(const struct table *table, uint32_t count, bool released)
{
    assert_int_equal(table->count, count);
    for (uint32_t host = 0; host < count; host++) {
        assert_int_equal(load_relaxed(&table->s_addresses[host]), htonl(UINT32_C(0x0a000001)));
        assert_int_equal(load_relaxed(&table->s_ports[host]), htons((uint16_t)(host + 1)));
        assert_int_equal(share_in(load_relaxed(&table->s_states[host / STATES_IN_WORD]), host),
                         !released          ? SHARE_FULL
                         : is_drained(host) ? SHARE_DRAINED
                         : is_ejected(host) ? SHARE_EJECTED
                                            : SHARE_FULL);
    }
}

static void table_of_the_own_layout_is_as_it_is(void **state)
{
    struct instance *instance = *state;
    struct region region;
    struct routes routes;
    struct table table;
    instance_put_ports(instance, route_key(1, 33), 33);
    assert_int_equal(instance_map(instance, false, &region, &routes), SHM_OK);
    assert_int_equal(
        adopted_table(&routes, index_find(&routes, route_key(1, 33)), route_key(1, 33), NULL, &table),
        SHM_OK);
    expect_hosts(&table, 33, false);
    region_close(&region);
}

static void table_of_the_released_layout_is_translated(void **state)
{
    static _Atomic uint64_t states[STATE_WORDS(HOSTS_MAX)];
    struct region region;
    struct routes routes;
    struct table table;
    release(*state, &region, &routes);
    for (int i = 0; i < SIZES; i++) {
        struct route_key key = route_key(1, sizes[i]);
        memset((void *)states, 0xff, sizeof(states));
        assert_int_equal(adopted_table(&routes, index_find(&routes, key), key, states, &table), SHM_OK);
        expect_hosts(&table, sizes[i], true);
        assert_int_equal(adopted_table(&routes, index_find(&routes, key), key, NULL, &table), SHM_OK);
        assert_int_equal(table.count, sizes[i]);
    }
    region_close(&region);
}

static void g5_hosts_of_the_released_layout_are_adopted_with_who_was_out(void **state)
{
    struct instance *instance = *state;
    struct region region;
    struct routes routes;
    struct table table;
    release(instance, &region, &routes);
    region_close(&region);
    instance_start(instance);
    assert_int_equal(instance_map(instance, false, &region, &routes), SHM_OK);
    for (int i = 0; i < SIZES; i++) {
        struct route_key key = route_key(1, sizes[i]);
        uint32_t limited = 0;
        for (uint32_t host = 0; host < sizes[i]; host++)
            limited += is_ejected(host);
        assert_int_equal(table_begin(&routes, index_find(&routes, key), key, &table), SHM_OK);
        expect_hosts(&table, sizes[i], true);
        assert_int_equal(table.limited, limited);
    }
    region_close(&region);
}

static void released_table_that_makes_no_sense_is_corrupt(void **state)
{
    struct region region;
    struct routes routes;
    struct table table;
    release(*state, &region, &routes);
    struct route_key key = route_key(1, 33);
    uint32_t slot = index_find(&routes, key);
    struct block *s_block = routes_block(&routes, ref_unit(load_relaxed(&routes_slot(&routes, slot)->ref)));
    const uint16_t counts[] = {HOSTS_MAX + 1, UINT16_MAX};
    for (int i = 0; i < 2; i++) {
        store_relaxed(&s_block->count, counts[i]);
        assert_int_equal(adopted_table(&routes, slot, key, NULL, &table), SHM_CORRUPT);
    }
    routes.s_end = (const char *)s_block + 32 + 16 + 33 * 6 - 1;
    store_relaxed(&s_block->count, 33);
    assert_int_equal(adopted_table(&routes, slot, key, NULL, &table), SHM_CORRUPT);
    store_relaxed(&s_block->stamp, 0);
    assert_int_equal(adopted_table(&routes, slot, key, NULL, &table), SHM_CORRUPT);
    region_close(&region);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(table_of_the_own_layout_is_as_it_is),
        TEST(table_of_the_released_layout_is_translated),
        TEST(g5_hosts_of_the_released_layout_are_adopted_with_who_was_out),
        TEST(released_table_that_makes_no_sense_is_corrupt),
    };
    return cmocka_run_group_tests_name("unit/shm/writer/adopted_table", tests, NULL, NULL);
}
