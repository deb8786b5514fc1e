/* SPDX-License-Identifier: MIT */
#include "shm/clock.h"
#include "tests/support/by_key.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"

static void growth_keeps_every_route(void **state)
{
    struct instance *instance = *state;
    instance->options.max_unknown = 100000;
    instance_stop(instance);
    instance_start(instance);
    instance_put_keys(instance, 10000, 7);
    instance_expect_keys(instance, 10000, 7);
    assert_true(writer_counter(instance->writer, COUNTER_generations) > 3);
    assert_int_equal(writer_counter(instance->writer, COUNTER_routes), 10000 - 1111);
    assert_int_equal(writer_counter(instance->writer, COUNTER_negative), 1111);
}

/* Members of the group can request such keys without end; each generation leaves out those that have expired. */
static void g10_keys_that_do_not_exist_cause_a_bounded_number_of_generations(void **state)
{
    enum {
        SECONDS = 3600,
        GENERATIONS_MOST = 6 + SECONDS / 600,
    };
    struct instance *instance = *state;
    uint64_t begin = clock_tick(), key = 1,
             generations = writer_counter(instance->writer, COUNTER_generations);
    for (uint64_t second = 0; second < SECONDS; second++) {
        uint64_t now = begin + second * 1000;
        for (uint32_t i = 0; i <= instance->options.max_unknown; i++)
            put_by_key(instance->writer, numbered_key(key++), NULL, 0, NULL, 1, now);
        assert_int_equal(writer_maintain(instance->writer, now), SHM_OK);
    }
    assert_in_range(writer_counter(instance->writer, COUNTER_generations), generations + 2,
                    generations + GENERATIONS_MOST);
}

enum {
    BIG = 10000 /* hosts: four such tables fill a new arena */
};

/* A push brings hosts for a key that was unknown, and takes a new generation, which leaves expired entries out. */
static void gauges_stay_right_when_an_unknown_key_gets_hosts_and_the_object_grows(void **state)
{
    struct instance *instance = *state;
    uint64_t now = clock_tick();
    static struct host_addr hosts[BIG];
    /* New routes leave an eighth of the arena to the changes of the two that are known. */
    static const uint64_t keys[] = {100, 101, 102, 2, 1};
    for (uint64_t key = 1; key <= 2; key++)
        assert_int_equal(put_by_key(instance->writer, numbered_key(key), NULL, 0, NULL, 1, now), SHM_OK);
    uint64_t generations = writer_counter(instance->writer, COUNTER_generations);
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(writer_counter(instance->writer, COUNTER_generations), generations);
        self_checking_hosts(keys[i], 1, BIG, hosts);
        assert_int_equal(
            put_by_key(instance->writer, numbered_key(keys[i]), hosts, BIG, NULL, 15, now + 60000), SHM_OK);
    }
    assert_int_equal(writer_counter(instance->writer, COUNTER_generations), generations + 1);
    assert_int_equal(writer_counter(instance->writer, COUNTER_negative), 0);
    assert_int_equal(writer_counter(instance->writer, COUNTER_routes), 5);
    assert_int_equal(put_by_key(instance->writer, numbered_key(3), NULL, 0, NULL, 1, now), SHM_OK);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(growth_keeps_every_route),
        TEST(g10_keys_that_do_not_exist_cause_a_bounded_number_of_generations),
        TEST(gauges_stay_right_when_an_unknown_key_gets_hosts_and_the_object_grows),
    };
    return cmocka_run_group_tests_name("unit/shm/writer/writer_growth", tests, NULL, NULL);
}
