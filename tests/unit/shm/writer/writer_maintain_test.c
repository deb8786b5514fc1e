/* SPDX-License-Identifier: MIT */
#include <sys/mman.h>

#include "shm/clock.h"
#include "tests/support/by_key.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"

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
    const struct {
        const char *name;
        enum event_kind event;
    } objects[] = {{instance->names.routes, EVENT_OBJECTS_RECREATED},
                   {instance->names.control, EVENT_CONTROL_RECREATED}};
    instance_put_keys(instance, 20, 1);
    for (int i = 0; i < 2; i++) {
        shm_unlink(objects[i].name);
        assert_int_equal(writer_maintain(instance->writer, clock_tick()), SHM_OK);
        assert_int_equal(instance_next_event(instance), objects[i].event);
        instance_expect_keys(instance, 20, 1);
        assert_int_equal(writer_maintain(instance->writer, clock_tick()), SHM_OK);
        assert_int_equal(instance_next_event(instance), EVENT_NONE);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_refusal_ends_when_there_is_room_again),
        TEST(removed_objects_are_recreated),
    };
    return cmocka_run_group_tests_name("unit/shm/writer/writer_maintain", tests, NULL, NULL);
}
