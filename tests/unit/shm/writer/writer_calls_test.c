/* SPDX-License-Identifier: MIT */
#include "shm/clock.h"
#include "shm/reader/call_stats.h"
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

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(results_reach_a_judge_that_comes_later),
    };
    return cmocka_run_group_tests_name("unit/shm/writer/writer_calls", tests, NULL, NULL);
}
