/* SPDX-License-Identifier: MIT */
#include "shm/clock.h"
#include "shm/reader/call_stats.h"
#include "shm/reader/use_sample.h"
#include "shm/top_routes.h"
#include "shm/writer/call_stats.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"

enum {
    PLENTY = 1 << 20,
};

static void results_reach_a_judge_that_comes_later(void **state)
{
    struct instance *instance = *state;
    struct region region;
    struct control control;
    uint64_t collected = 0;
    instance_map_control(instance, &region, &control);
    assert_int_equal(call_stats_record(&control, numbered_key(1), numbered_host(1), true, 1, 0), SHM_OK);
    writer_collect_calls(instance->writer, PLENTY, 1, clock_tick());
    writer_set_judge(instance->writer, instance_add_up, &collected);
    writer_collect_calls(instance->writer, PLENTY, 1, clock_tick());
    assert_int_equal(collected, 1);
    region_close(&region);
}

static size_t listed(const struct instance *instance, struct route_use out[TOP_ROUTES])
{
    struct region region;
    struct routes routes;
    assert_int_equal(instance_map(instance, false, &region, &routes), SHM_OK);
    size_t count = top_routes_read(routes.s_header, out);
    region_close(&region);
    return count;
}

static void expect_use(struct route_use use, uint64_t key, uint64_t lookups)
{
    assert_int_equal(route_key_number(use.key), key);
    assert_int_equal(use.lookups, lookups);
}

static void samples_of_cached_routes_alone_are_listed_once_a_second(void **state)
{
    struct instance *instance = *state;
    struct region region;
    struct control control;
    struct route_use uses[TOP_ROUTES];
    instance_put(instance, 1, 1, 4, 15);
    instance_put(instance, 2, 1, 0, 15); /* one without hosts */
    instance_map_control(instance, &region, &control);
    for (uint32_t i = 0; i < 1000; i++)
        use_sample_add(&control, i, numbered_key(100 + i), UINT32_MAX, i);
    writer_collect_uses(instance->writer);
    for (uint32_t i = 0; i < 100; i++) {
        use_sample_add(&control, i, numbered_key(1), 3, 0);
        use_sample_add(&control, i, numbered_key(2), 4, 0);
        writer_collect_uses(instance->writer);
    }
    assert_int_equal(listed(instance, uses), 0);
    assert_int_equal(writer_maintain(instance->writer, clock_tick()), SHM_OK);
    assert_int_equal(listed(instance, uses), 2);
    expect_use(uses[0], 2, 400);
    expect_use(uses[1], 1, 300);
    region_close(&region);
}

static void samples_in_a_replaced_control_object_are_counted_too(void **state)
{
    struct instance *instance = *state;
    struct region region;
    struct control control;
    struct route_use uses[TOP_ROUTES];
    instance_put(instance, 1, 1, 4, 15);
    instance_map_control(instance, &region, &control);
    use_sample_add(&control, 1, numbered_key(1), 10, 0);
    instance_renew(instance);
    use_sample_add(&control, 1, numbered_key(1), 7, 0);
    assert_int_equal(writer_maintain(instance->writer, clock_tick()), SHM_OK);
    assert_int_equal(listed(instance, uses), 1);
    expect_use(uses[0], 1, 17);
    region_close(&region);
}

static void list_goes_on_where_the_fetcher_before_has_stopped(void **state)
{
    struct instance *instance = *state;
    struct region region;
    struct control control;
    struct route_use uses[TOP_ROUTES];
    for (uint64_t key = 1; key <= 3; key++)
        instance_put(instance, key, 1, 4, 15);
    instance_map_control(instance, &region, &control);
    use_sample_add(&control, 1, numbered_key(1), 100, 0);
    use_sample_add(&control, 1, numbered_key(2), 200, 0);
    instance_stop(instance);
    use_sample_add(&control, 1, numbered_key(3), 5, 0);
    region_close(&region);
    instance_start(instance);
    assert_int_equal(listed(instance, uses), 2);
    instance_map_control(instance, &region, &control);
    use_sample_add(&control, 1, numbered_key(1), 11, 0);
    assert_int_equal(writer_maintain(instance->writer, clock_tick()), SHM_OK);
    assert_int_equal(writer_maintain(instance->writer, clock_tick()), SHM_OK);
    assert_int_equal(listed(instance, uses), 3);
    expect_use(uses[0], 1, 111);
    expect_use(uses[1], 3, 5);
    expect_use(uses[2], 2, 200);
    region_close(&region);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(results_reach_a_judge_that_comes_later),
        TEST(samples_of_cached_routes_alone_are_listed_once_a_second),
        TEST(samples_in_a_replaced_control_object_are_counted_too),
        TEST(list_goes_on_where_the_fetcher_before_has_stopped),
    };
    return cmocka_run_group_tests_name("unit/shm/writer/writer_calls", tests, NULL, NULL);
}
