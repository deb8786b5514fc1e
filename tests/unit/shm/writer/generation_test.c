/* SPDX-License-Identifier: MIT */
/* What a new generation takes over from the one before it, whatever that holds. */
#include <string.h>

#include "shm/atomic.h"
#include "shm/index.h"
#include "shm/latency.h"
#include "shm/table.h"
#include "shm/top_routes.h"
#include "tests/support/by_key.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"

/* Writes one word of the routes object while no fetcher runs. */
static void change_header(struct instance *instance, size_t offset, uint64_t value)
{
    struct region region;
    struct routes routes;
    instance_stop(instance);
    assert_int_equal(instance_map(instance, true, &region, &routes), SHM_OK);
    memcpy((char *)region.s_base + offset, &value, sizeof(value));
    region_close(&region);
    instance_start(instance);
}

static uint64_t version_of(struct instance *instance, uint64_t key)
{
    struct region region;
    struct routes routes;
    struct table table = {0};
    assert_int_equal(instance_map(instance, false, &region, &routes), SHM_OK);
    assert_int_equal(table_begin(&routes, index_find(&routes, numbered_key(key)), numbered_key(key), &table),
                     SHM_OK);
    region_close(&region);
    return ref_version(table.ref);
}

static void versions_are_renumbered_before_they_run_out(void **state)
{
    struct instance *instance = *state;
    for (uint64_t key = 1; key <= 50; key++)
        instance_put(instance, key, 1, 4, 15);
    change_header(instance, offsetof(struct routes_header, version), VERSION_MAX - 1);
    for (uint64_t key = 1; key <= 50; key++)
        assert_in_range(version_of(instance, key), 1, 50);
    instance_put(instance, 1, 2, 4, 15);
    assert_int_equal(version_of(instance, 1), 51);
}

/* A slot whose version is the last possible one, left by damage, must not keep routes from being published. */
static void an_adopted_version_near_the_end_does_not_stop_publishing(void **state)
{
    struct instance *instance = *state;
    struct region region;
    struct routes routes;
    instance_put(instance, 1, 1, 4, 15);
    instance_stop(instance);
    assert_int_equal(instance_map(instance, true, &region, &routes), SHM_OK);
    struct slot *s_slot = routes_slot(&routes, index_find(&routes, numbered_key(1)));
    uint64_t ref = ref_make(VERSION_MAX, ref_unit(load_relaxed(&s_slot->ref)));
    store_relaxed(&routes_block(&routes, ref_unit(ref))->stamp, ref);
    store_relaxed(&s_slot->ref, ref);
    region_close(&region);
    instance_start(instance);
    instance_put(instance, 1, 2, 4, 15);
    instance_put(instance, 2, 1, 4, 15);
    assert_true(version_of(instance, 2) < 100);
}

/* A fetcher that died between its two stores. */
static void the_next_generation_recounts_hosts_out_of_rotation(void **state)
{
    struct instance *instance = *state;
    struct region region;
    struct routes routes;
    for (uint16_t wrong = 0; wrong < 3; wrong++) {
        instance_put(instance, 1, wrong + 1, 40, 15);
        set_rotation_by_key(instance->writer, numbered_key(1), 1, true, false);
        set_rotation_by_key(instance->writer, numbered_key(1), 39, true, true);
        instance_stop(instance);
        assert_int_equal(instance_map(instance, true, &region, &routes), SHM_OK);
        uint64_t ref = load_relaxed(&routes_slot(&routes, index_find(&routes, numbered_key(1)))->ref);
        store_relaxed(&routes_block(&routes, ref_unit(ref))->limited, wrong);
        region_close(&region);
        instance_start(instance);
        instance_expect_rotation(instance, 1, share_bits(1, SHARE_EJECTED), 2);
        set_rotation_by_key(instance->writer, numbered_key(1), 1, false, false);
        set_rotation_by_key(instance->writer, numbered_key(1), 39, false, false);
        instance_expect_rotation(instance, 1, 0, 0);
    }
}

static void most_used_routes_and_latencies_stay_through_an_adoption(void **state)
{
    struct instance *instance = *state;
    struct region region;
    struct routes routes;
    const struct route_use uses[] = {{numbered_key(7), 70}, {numbered_key(6), 60}};
    struct route_use read[TOP_ROUTES];
    struct latency latency;
    writer_add_latency(instance->writer, 70);
    instance_stop(instance);
    assert_int_equal(instance_map(instance, true, &region, &routes), SHM_OK);
    top_routes_write(routes.s_header, uses, 2);
    region_close(&region);
    instance_start(instance);
    assert_int_equal(instance_map(instance, false, &region, &routes), SHM_OK);
    assert_int_equal(top_routes_read(routes.s_header, read), 2);
    assert_memory_equal(read, uses, sizeof(uses));
    latency_read(routes.s_header, &latency);
    assert_int_equal(latency.counts[0], 1);
    assert_int_equal(latency.sum_us, 70);
    region_close(&region);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(versions_are_renumbered_before_they_run_out),
        TEST(an_adopted_version_near_the_end_does_not_stop_publishing),
        TEST(the_next_generation_recounts_hosts_out_of_rotation),
        TEST(most_used_routes_and_latencies_stay_through_an_adoption),
    };
    return cmocka_run_group_tests_name("unit/shm/writer/generation", tests, NULL, NULL);
}
