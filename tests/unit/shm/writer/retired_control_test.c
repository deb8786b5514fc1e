/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shm/writer/retired_control.h"
#include "tests/support/instance.h"

static void a_retired_object_keeps_its_own_name_until_it_is_removed(void **state)
{
    struct instance *instance = *state;
    const struct object_names *names = &instance->names;
    struct region region;
    uint64_t generations[4];
    retired_control_keep(names, 12345);
    shm_unlink(names->control);
    assert_int_equal(retired_control_list(names, generations, 4), 1);
    assert_int_equal(generations[0], 12345);
    assert_int_equal(retired_control_open(names, 12345, &region), SHM_OK);
    region_close(&region);
    assert_int_equal(retired_control_open(names, 12346, &region), SHM_NO_OBJECT);
    retired_control_remove(names, 12345);
    assert_int_equal(retired_control_list(names, generations, 4), 0);
}

static void the_newest_are_listed_first_and_the_oldest_removed(void **state)
{
    static const uint64_t kept[] = {5, 900, 40, 7, 1000, 3};
    struct instance *instance = *state;
    uint64_t generations[3];
    for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
        retired_control_keep(&instance->names, kept[i]);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(retired_control_list(&instance->names, generations, 3), 3);
        assert_int_equal(generations[0], 1000);
        assert_int_equal(generations[1], 900);
        assert_int_equal(generations[2], 40);
    }
    assert_int_equal(instance_objects(instance), 3 + 3);
}

static void names_that_are_no_generation_are_left_alone(void **state)
{
    static const char *const others[] = {"next", "0", "12x", "012", "-", ""};
    struct instance *instance = *state;
    uint64_t generations[4];
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        char name[OBJECT_NAME_MAX + 16];
        snprintf(name, sizeof(name), "%s.%s", instance->names.control, others[i]);
        assert_int_equal(region_link(instance->names.control, name), SHM_OK);
    }
    assert_int_equal(retired_control_list(&instance->names, generations, 4), 0);
    assert_int_equal(instance_objects(instance), 3 + sizeof(others) / sizeof(*others));
}

static void g11_other_users_files_push_out_none(void **state)
{
    enum {
        FIRST = 1000,
        OTHERS = 5
    };
    struct instance *instance = *state;
    uint64_t generations[3];
    char name[OBJECT_NAME_MAX + 16];
    retired_control_keep(&instance->names, 12);
    for (int i = 0; i < OTHERS; i++) {
        snprintf(name, sizeof(name), "%s.%d", instance->names.control, FIRST + i);
        int fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0666);
        assert_true(fd >= 0);
        if (fchown(fd, 65534, (gid_t)-1) != 0) { /* only root can give things away */
            close(fd);
            skip();
        }
        close(fd);
    }
    assert_int_equal(retired_control_list(&instance->names, generations, 3), 1);
    assert_int_equal(generations[0], 12);
    assert_int_equal(instance_objects(instance), 3 + 1 + OTHERS);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_retired_object_keeps_its_own_name_until_it_is_removed),
        TEST(the_newest_are_listed_first_and_the_oldest_removed),
        TEST(names_that_are_no_generation_are_left_alone),
        TEST(g11_other_users_files_push_out_none),
    };
    return cmocka_run_group_tests_name("unit/shm/writer/retired_control", tests, NULL, NULL);
}
