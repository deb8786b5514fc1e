/* SPDX-License-Identifier: MIT */
#include <sys/mman.h>

#include "shm/clock.h"
#include "shm/table.h"
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

static void a_refusal_ends_when_there_is_room_again(void **state)
{
    struct instance *instance = *state;
    uint64_t now = clock_tick();
    for (uint64_t key = 1; key <= 101; key++)
        put_by_key(instance->writer, numbered_key(key), NULL, 0, NULL, 1, now);
    assert_true(writer_refusing(instance->writer));
    assert_int_equal(writer_maintain(instance->writer, now), SHM_OK);
    assert_true(writer_refusing(instance->writer));
    assert_int_equal(writer_maintain(instance->writer, now + 60 * 1000), SHM_OK);
    assert_false(writer_refusing(instance->writer));
}

static void removed_objects_are_recreated(void **state)
{
    struct instance *instance = *state;
    const char *const names[] = {instance->names.routes, instance->names.control};
    instance_put_keys(instance, 20, 1);
    for (int i = 0; i < 2; i++) {
        shm_unlink(names[i]);
        assert_int_equal(writer_maintain(instance->writer, clock_tick()), SHM_OK);
        assert_int_equal(instance_next_event(instance), EVENT_OBJECTS_RECREATED);
        instance_expect_keys(instance, 20, 1);
        assert_int_equal(writer_maintain(instance->writer, clock_tick()), SHM_OK);
        assert_int_equal(instance_next_event(instance), EVENT_NONE);
    }
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
        TEST(removed_objects_are_recreated),
        TEST(a_refusal_ends_when_there_is_room_again),
        TEST(gauges_stay_right_when_an_unknown_key_gets_hosts_and_the_object_grows),
    };
    return cmocka_run_group_tests_name("unit/shm/writer/writer_generation", tests, NULL, NULL);
}
