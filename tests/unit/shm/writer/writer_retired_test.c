/* SPDX-License-Identifier: MIT */
#include "shm/clock.h"
#include "shm/reader/call_stats.h"
#include "shm/writer/call_stats.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"

enum {
    PLENTY = 1 << 20,
};

static void results_in_a_replaced_control_object_are_collected(void **state)
{
    struct instance *instance = *state;
    struct region region;
    struct control control;
    uint64_t collected = 0;
    instance_map_control(instance, &region, &control);
    assert_int_equal(call_stats_record(&control, numbered_key(1), numbered_host(1), true, 1, 0), SHM_OK);
    writer_set_judge(instance->writer, instance_add_up, &collected);
    instance_renew(instance);
    instance_renew(instance);
    /* A client that has not moved on yet. */
    assert_int_equal(call_stats_record(&control, numbered_key(1), numbered_host(1), true, 1, 0), SHM_OK);
    for (int again = 0; again < 2; again++)
        writer_collect_calls(instance->writer, PLENTY, 1, clock_tick());
    assert_int_equal(collected, 2);
    region_close(&region);
}

/* A client has not moved on yet when the fetcher stops, and its last collection is over. */
static void g11_results_that_a_stopped_fetcher_left_are_collected_by_the_next(void **state)
{
    struct instance *instance = *state;
    struct region region;
    struct control control;
    uint64_t collected = 0;
    instance_map_control(instance, &region, &control);
    instance_renew(instance);
    assert_int_equal(call_stats_record(&control, numbered_key(1), numbered_host(1), true, 1, 0), SHM_OK);
    instance_stop(instance);
    assert_int_equal(call_stats_record(&control, numbered_key(1), numbered_host(1), true, 1, 0), SHM_OK);
    instance_start(instance);
    writer_set_judge(instance->writer, instance_add_up, &collected);
    for (int again = 0; again < 2; again++)
        writer_collect_calls(instance->writer, PLENTY, 1, clock_tick());
    assert_int_equal(collected, 2);
    region_close(&region);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(results_in_a_replaced_control_object_are_collected),
        TEST(g11_results_that_a_stopped_fetcher_left_are_collected_by_the_next),
    };
    return cmocka_run_group_tests_name("unit/shm/writer/writer_retired", tests, NULL, NULL);
}
