/* SPDX-License-Identifier: MIT */
#include "shm/clock.h"
#include "tests/support/instance.h"

static void expect_held(struct instance *instance, uint64_t objects, uint64_t bytes)
{
    assert_int_equal(writer_maintain(instance->writer, clock_tick() + 1000), SHM_OK);
    assert_int_equal(writer_counter(instance->writer, COUNTER_replaced_objects), objects);
    assert_int_equal(writer_counter(instance->writer, COUNTER_replaced_bytes), bytes);
}

static void g10_what_programs_hold_of_replaced_generations_is_counted(void **state)
{
    struct instance *instance = *state;
    struct region first, second;
    struct routes routes;
    assert_int_equal(instance_map(instance, false, &first, &routes), SHM_OK);
    expect_held(instance, 0, 0);
    instance_renew(instance);
    expect_held(instance, 1, first.size);
    assert_int_equal(instance_map(instance, false, &second, &routes), SHM_OK);
    instance_renew(instance);
    expect_held(instance, 2, first.size + second.size);
    region_close(&first);
    expect_held(instance, 1, second.size);
    region_close(&second);
    expect_held(instance, 0, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(g10_what_programs_hold_of_replaced_generations_is_counted),
    };
    return cmocka_run_group_tests_name("unit/shm/writer/writer_generation", tests, NULL, NULL);
}
