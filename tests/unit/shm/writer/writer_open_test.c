/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/index.h"
#include "shm/table.h"
#include "tests/support/by_key.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"
#include "tests/support/object_path.h"

static void g5_restarted_fetcher_adopts_every_route(void **state)
{
    struct instance *instance = *state;
    instance_put_keys(instance, 800, 3);
    set_pulling_by_key(instance->writer, numbered_key(5));
    instance_stop(instance);
    instance_start(instance);
    assert_int_equal(instance_next_event(instance), EVENT_ADOPTED);
    assert_int_equal(instance->event.number[1] + instance->event.number[2], 712);
    instance_expect_keys(instance, 800, 3);
    /* Rule 6: the request died with its fetcher. */
    assert_int_equal(state_by_key(instance->writer, numbered_key(5)), ROUTE_NEW);
}

static void versions_go_on_across_generations(void **state)
{
    struct instance *instance = *state;
    struct region region;
    struct routes routes;
    instance_put_keys(instance, 50, 1);
    instance_stop(instance);
    instance_start(instance);
    instance_put(instance, 1, 2, 4, 15);
    assert_int_equal(instance_map(instance, false, &region, &routes), SHM_OK);
    struct table changed, kept;
    assert_int_equal(table_begin(&routes, index_find(&routes, numbered_key(1)), numbered_key(1), &changed),
                     SHM_OK);
    assert_int_equal(table_begin(&routes, index_find(&routes, numbered_key(50)), numbered_key(50), &kept),
                     SHM_OK);
    assert_int_equal(ref_version(kept.ref), 50);
    assert_int_equal(ref_version(changed.ref), 51);
    region_close(&region);
}

static mode_t mode_of(const char *name)
{
    struct stat st;
    assert_int_equal(stat(object_path(name), &st), 0);
    return st.st_mode & 07777;
}

static void objects_have_the_documented_modes_under_any_umask(void **state)
{
    struct instance *instance = *state;
    static const mode_t masks[] = {0, 022, 077, 0777};
    for (int i = 0; i < 4; i++) {
        instance_stop(instance);
        shm_unlink(instance->names.lock);
        mode_t old = umask(masks[i]);
        instance_start(instance);
        umask(old);
        assert_int_equal(mode_of(instance->names.routes), 0644);
        assert_int_equal(mode_of(instance->names.control), 0660);
        assert_int_equal(mode_of(instance->names.lock), 0600);
    }
}

static void leftovers_of_a_dead_fetcher_are_removed(void **state)
{
    struct instance *instance = *state;
    struct region region;
    instance_stop(instance);
    assert_int_equal(region_create(instance->names.next_routes, 4096, 0600, (gid_t)-1, &region), SHM_OK);
    region_close(&region);
    assert_int_equal(region_create(instance->names.next_control, 4096, 0600, (gid_t)-1, &region), SHM_OK);
    region_close(&region);
    instance_start(instance);
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1};
    assert_int_equal(region_open(instance->names.next_routes, false, &self, 0, &region), SHM_NO_OBJECT);
    assert_int_equal(region_open(instance->names.next_control, false, &self, 0, &region), SHM_NO_OBJECT);
}

/* What stands in the way of a starting fetcher, and what must come of it. */
static void expect_start(struct instance *instance, enum shm_status expected, const char *named)
{
    struct writer *writer = NULL;
    assert_int_equal(writer_open(&writer, &instance->options, &instance->event), expected);
    assert_string_equal(instance->event.object, named);
    writer_close(writer);
}

static void squatted_names_are_refused_and_named(void **state)
{
    struct instance *instance = *state;
    const char *const names[] = {instance->names.routes, instance->names.control, instance->names.lock};
    instance_stop(instance);
    for (int i = 0; i < 3; i++) {
        const char *path = object_path(names[i]);
        struct region region;
        shm_unlink(names[i]);
        assert_int_equal(symlink("/dev/null", path), 0);
        expect_start(instance, SHM_FOREIGN, names[i]);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(region_create(names[i], 8192, 0666, (gid_t)-1, &region), SHM_OK);
        region_close(&region);
        expect_start(instance, SHM_UNSAFE, names[i]);
        if (geteuid() == 0) {
            assert_int_equal(chmod(path, 0600), 0);
            assert_int_equal(chown(path, 65534, 65534), 0);
            expect_start(instance, SHM_FOREIGN, names[i]);
        }
        assert_int_equal(unlink(path), 0);
    }
    instance_start(instance);
}

static void g5_object_of_the_released_layout_is_adopted(void **state)
{
    struct instance *instance = *state;
    struct region region;
    struct routes routes;
    instance_put_keys(instance, 100, 2);
    instance_stop(instance);
    assert_int_equal(instance_map(instance, true, &region, &routes), SHM_OK);
    routes.s_header->id.layout_version = LAYOUT_RELEASED;
    routes.s_header->id.fingerprint = FINGERPRINT_RELEASED;
    region_close(&region);
    /* To readers it is another layout. */
    assert_int_equal(instance_map(instance, false, &region, &routes), SHM_LAYOUT);
    instance_start(instance);
    assert_int_equal(instance_next_event(instance), EVENT_ADOPTED);
    instance_expect_keys(instance, 100, 2);
}

static void damaged_object_is_replaced(void **state)
{
    struct instance *instance = *state;
    for (int kind = 0; kind < 4; kind++) {
        struct region region;
        struct routes routes;
        instance_put_keys(instance, 10, 1);
        instance_stop(instance);
        assert_int_equal(instance_map(instance, true, &region, &routes), SHM_OK);
        switch (kind) {
        case 0:
            routes.s_header->id.layout_version++;
            break;
        case 1:
            memset(region.s_base, 0xa5, region.size);
            break;
        case 2:
            routes.s_header->bucket_count = UINT32_MAX;
            break;
        case 3:
            assert_int_equal(truncate(object_path(instance->names.routes), 100), 0);
            break;
        }
        region_close(&region);
        instance_start(instance);
        assert_int_equal(instance_next_event(instance),
                         kind == 0 ? EVENT_REPLACED_LAYOUT : EVENT_REPLACED_DAMAGED);
        instance_expect_keys(instance, 0, 1);
    }
}

static void an_emptied_object_is_replaced(void **state)
{
    struct instance *instance = *state;
    const char *const names[] = {instance->names.routes, instance->names.control};
    for (int i = 0; i < 2; i++) {
        instance_put(instance, 1, 1, 4, 15);
        instance_stop(instance);
        assert_int_equal(truncate(object_path(names[i]), 0), 0);
        instance_start(instance);
        instance_put(instance, 2, 1, 4, 15);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(g5_restarted_fetcher_adopts_every_route),
        TEST(versions_go_on_across_generations),
        TEST(objects_have_the_documented_modes_under_any_umask),
        TEST(leftovers_of_a_dead_fetcher_are_removed),
        TEST(squatted_names_are_refused_and_named),
        TEST(g5_object_of_the_released_layout_is_adopted),
        TEST(damaged_object_is_replaced),
        TEST(an_emptied_object_is_replaced),
    };
    return cmocka_run_group_tests_name("unit/shm/writer/writer_open", tests, NULL, NULL);
}
