/* SPDX-License-Identifier: MIT */
#include "fetcher/snapshot_collect.h"

#include <string.h>
#include <sys/mman.h>

#include "fetcher/snapshot_decode.h"
#include "shm/clock.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"

enum {
    KEYS = 200,
    PART = 7,
    HOSTS = 3, /* with a record, of each route that has one */
    RECORDED = 20,
};

static struct snapshot_decoder decoder; /* too large for the stack */

static struct host_addr host(uint32_t number)
{
    return numbered_host((uint64_t)number << 32 | 80);
}

static void add(struct host_store *store, uint64_t key, struct host_addr of, uint64_t succ)
{
    uint32_t number = host_store_add(store, numbered_key(key), of);
    assert_int_not_equal(number, HOST_STORE_NONE);
    host_store_entry(store, number)->health.total_succ = succ;
    host_store_commit(store, number);
}

static void begin(struct instance *instance, struct snapshot_collector *collector)
{
    struct event failure;
    *collector = (struct snapshot_collector){.writer = instance->writer, .most = 1 << 24};
    assert_int_equal(host_store_open(&collector->store, instance->name, 1 << 22, &failure), SHM_OK);
    for (uint32_t key = 1; key <= KEYS; key++)
        instance_put(instance, key, 1, key % 4 + 1, 15);
    for (uint32_t key = 1; key <= RECORDED; key++)
        for (uint32_t i = 1; i <= HOSTS; i++)
            add(collector->store, key, host(i), 1);
    snapshot_collect_begin(collector);
}

static void end(struct instance *instance, struct snapshot_collector *collector)
{
    snapshot_encode_free(&collector->encoder);
    host_store_close(collector->store);
    shm_unlink(instance->names.hosts);
}

/* Each route once, as many as `routes`. */
static void expect_routes(struct instance *instance, struct snapshot_collector *collector, uint32_t routes)
{
    bool seen[2 * KEYS + 1] = {false};
    struct restored_route route;
    struct snapshot_encoder *encoder = &collector->encoder;
    assert_true(snapshot_encode_end(encoder, instance->name, 0));
    snapshot_seal(encoder->bytes, encoder->size);
    assert_null(snapshot_decode_begin(&decoder, encoder->bytes, encoder->size, instance->name,
                                      clock_unix_ms(), clock_tick()));
    assert_int_equal(decoder.routes, routes);
    while (snapshot_decode_route(&decoder, &route)) {
        assert_in_range(route.key.cmdid, 1, routes);
        assert_false(seen[route.key.cmdid]);
        seen[route.key.cmdid] = true;
    }
}

static void everything_is_collected_once_in_any_parts(void **state)
{
    struct instance *instance = *state;
    static const uint32_t parts[] = {1, PART, 512, UINT32_MAX};
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        struct snapshot_collector collector;
        begin(instance, &collector);
        while (snapshot_collect(&collector, parts[i]))
            continue;
        expect_routes(instance, &collector, KEYS);
        assert_int_equal(decoder.hosts, RECORDED * (HOSTS + 1));
        end(instance, &collector);
    }
}

/* A fetcher does nothing else meanwhile. */
static void part_with_the_largest_routes_is_not_much_larger_than_one_of_them(void **state)
{
    struct instance *instance = *state;
    struct snapshot_collector collector;
    size_t before;
    begin(instance, &collector);
    for (uint32_t key = 1; key <= 10; key++)
        instance_put(instance, key, 2, HOSTS_MAX, 15);
    for (uint32_t i = HOSTS + 1; i <= 1000; i++)
        for (uint32_t key = 1; key <= 2; key++)
            add(collector.store, key, host(i), 1);
    snapshot_collect_begin(&collector);
    for (bool more = true; more;) {
        before = collector.encoder.size;
        more = snapshot_collect(&collector, UINT32_MAX);
        assert_in_range(collector.encoder.size - before, 0, 160000);
    }
    expect_routes(instance, &collector, KEYS);
    end(instance, &collector);
}

/* A generation has its routes in other slots: going on in it would leave some out, and have others twice. */
static void new_generation_in_the_middle_has_each_route_once(void **state)
{
    struct instance *instance = *state;
    struct snapshot_collector collector;
    begin(instance, &collector);
    for (int i = 0; i < 100; i++)
        assert_true(snapshot_collect(&collector, PART));
    for (uint32_t key = KEYS + 1; key <= 2 * KEYS; key++)
        instance_put(instance, key, 1, 2, 15);
    instance_renew(instance);
    while (snapshot_collect(&collector, PART))
        continue;
    expect_routes(instance, &collector, 2 * KEYS);
    end(instance, &collector);
}

/* A host leaves its route in between, which absorbs its totals: they are in the snapshot once. */
static void route_that_leaves_the_cache_is_not_in_it(void **state)
{
    struct instance *instance = *state;
    struct snapshot_collector collector;
    begin(instance, &collector);
    const struct route_ref last = writer_find(instance->writer, numbered_key(KEYS));
    assert_true(writer_leave(instance->writer, &last));
    while (snapshot_collect(&collector, PART))
        continue;
    expect_routes(instance, &collector, KEYS - 1);
    end(instance, &collector);
}

static void g11_totals_of_a_route_are_those_of_one_moment(void **state)
{
    struct instance *instance = *state;
    struct snapshot_collector collector;
    struct route_key key;
    struct host_addr of;
    struct host_entry entry;
    struct restored_route route;
    uint64_t succ = 0;
    bool more = true;
    begin(instance, &collector);
    for (uint32_t moved = 1; more; more = snapshot_collect(&collector, 1))
        if (collector.record > 0 && moved <= RECORDED) {
            uint32_t left = host_store_find(collector.store, numbered_key(moved), host(1));
            add(collector.store, moved, HOST_ADDR_NONE, 1);
            host_store_remove(collector.store, left);
            moved++;
        }
    expect_routes(instance, &collector, KEYS);
    snapshot_decode_rewind(&decoder);
    while (snapshot_decode_route(&decoder, &route))
        continue;
    while (snapshot_decode_host(&decoder, &key, &of, &entry))
        succ += entry.health.total_succ;
    assert_int_equal(succ, RECORDED * HOSTS);
    end(instance, &collector);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
        TEST(everything_is_collected_once_in_any_parts),
        TEST(part_with_the_largest_routes_is_not_much_larger_than_one_of_them),
        TEST(new_generation_in_the_middle_has_each_route_once),
        TEST(route_that_leaves_the_cache_is_not_in_it),
        TEST(g11_totals_of_a_route_are_those_of_one_moment),
#undef TEST
    };
    return cmocka_run_group_tests_name("unit/fetcher/snapshot_collect", tests, NULL, NULL);
}
