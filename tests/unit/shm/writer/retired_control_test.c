/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/writer/retired_control.h"
#include "tests/support/instance.h"

static struct retired_name keep(const struct instance *instance, uint64_t number)
{
    struct retired_name name;
    assert_int_equal(retired_control_keep(&instance->names, number, &name), SHM_OK);
    assert_int_equal(name.number, number);
    return name;
}

/* As a control object of that number is, as far as its name goes. */
static void make_object(const struct instance *instance, uint64_t number)
{
    char name[OBJECT_NAME_MAX + 32];
    const struct object_id id = {.magic = CONTROL_MAGIC, .generation = number};
    snprintf(name, sizeof(name), "%s.%llu", instance->names.control, (unsigned long long)number);
    int fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, &id, sizeof(id)), sizeof(id));
    close(fd);
}

static void a_retired_object_keeps_its_own_name_until_it_is_removed(void **state)
{
    struct instance *instance = *state;
    const struct object_names *names = &instance->names;
    struct region region;
    struct retired_name found[4], kept = keep(instance, writer_control(instance->writer));
    shm_unlink(names->control);
    assert_int_equal(retired_control_list(names, found, 4), 1);
    assert_true(found[0].number == kept.number && found[0].salt == 0);
    assert_int_equal(retired_control_open(names, kept, &region), SHM_OK);
    region_close(&region);
    assert_int_equal(retired_control_open(names, (struct retired_name){kept.number + 1, 0}, &region),
                     SHM_NO_OBJECT);
    retired_control_remove(names, kept);
    assert_int_equal(retired_control_list(names, found, 4), 0);
}

static void the_newest_are_listed_first_and_the_oldest_removed(void **state)
{
    static const uint64_t made[] = {5, 900, 40, 7, 1000, 3};
    struct instance *instance = *state;
    struct retired_name found[3];
    for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++)
        make_object(instance, made[i]);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(retired_control_list(&instance->names, found, 3), 3);
        assert_int_equal(found[0].number, 1000);
        assert_int_equal(found[1].number, 900);
        assert_int_equal(found[2].number, 40);
    }
    assert_int_equal(instance_objects(instance), 3 + 3);
}

/* Who may write to control may link it, under any number: here under larger ones than that of a retired object. */
static void g11_links_of_other_objects_push_out_none(void **state)
{
    struct instance *instance = *state;
    struct retired_name found[2];
    make_object(instance, 12);
    for (int i = 0; i < 5; i++) {
        char name[OBJECT_NAME_MAX + 32];
        snprintf(name, sizeof(name), "%s.%d", instance->names.control, 1000 + i);
        assert_int_equal(region_link(instance->names.control, name), SHM_OK);
    }
    assert_int_equal(retired_control_list(&instance->names, found, 2), 1);
    assert_int_equal(found[0].number, 12);
    assert_int_equal(instance_objects(instance), 3 + 1);
}

/* The number can be foreseen: a stranger has made a file of that name, which this user may not remove. */
static void g11_a_name_that_is_taken_costs_no_results(void **state)
{
    struct instance *instance = *state;
    uint64_t number = writer_control(instance->writer);
    char name[OBJECT_NAME_MAX + 32];
    struct retired_name found[2];
    snprintf(name, sizeof(name), "%s.%llu", instance->names.control, (unsigned long long)number);
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "/dev/shm%s", name);
    assert_int_equal(mkdir(path, 0700), 0); /* root may remove any file, but not this way */
    struct retired_name kept = keep(instance, number);
    assert_true(kept.salt != 0);
    shm_unlink(instance->names.control);
    assert_int_equal(retired_control_list(&instance->names, found, 2), 1);
    assert_true(found[0].number == number && found[0].salt == kept.salt);
    retired_control_remove(&instance->names, kept);
    assert_int_equal(rmdir(path), 0);
}

static void names_that_are_no_generation_are_left_alone(void **state)
{
    static const char *const others[] = {"next", "0",   "12x",  "012",         "-",
                                         "",     "12.", "12.1", "12.00000000", "12.0000000G"};
    struct instance *instance = *state;
    struct retired_name found[4];
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        char name[OBJECT_NAME_MAX + 16];
        snprintf(name, sizeof(name), "%s.%s", instance->names.control, others[i]);
        assert_int_equal(region_link(instance->names.control, name), SHM_OK);
    }
    assert_int_equal(retired_control_list(&instance->names, found, 4), 0);
    assert_int_equal(instance_objects(instance), 3 + sizeof(others) / sizeof(*others));
}

static void g11_other_users_files_push_out_none(void **state)
{
    enum {
        FIRST = 1000,
        OTHERS = 5
    };
    struct instance *instance = *state;
    struct retired_name found[3];
    char name[OBJECT_NAME_MAX + 16];
    make_object(instance, 12);
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
    assert_int_equal(retired_control_list(&instance->names, found, 3), 1);
    assert_int_equal(found[0].number, 12);
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
        TEST(g11_links_of_other_objects_push_out_none),
        TEST(g11_a_name_that_is_taken_costs_no_results),
    };
    return cmocka_run_group_tests_name("unit/shm/writer/retired_control", tests, NULL, NULL);
}
