/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/index.h"
#include "shm/reader/call_stats.h"
#include "shm/table.h"
#include "shm/writer/call_stats.h"
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

static void g9_tables_by_the_clock_of_another_boot_are_served_and_expired(void **state)
{
    struct instance *instance = *state;
    const uint64_t years = UINT64_C(10) * 365 * 86400 * 1000;
    instance_put_keys(instance, 20, 1);
    struct route_ref route;
    for (uint32_t slot = 0; writer_next_route(instance->writer, &slot, &route);)
        store_relaxed(&((struct block *)route.table.s_block)->expires, clock_tick() + years);
    instance_stop(instance);
    instance_start(instance);
    instance_expect_keys(instance, 20, 1);
    for (uint32_t slot = 0; writer_next_route(instance->writer, &slot, &route);)
        assert_true(route_ref_is_expired(&route, clock_tick() + 1));
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

static void mark_as_released(struct object_id *s_id)
{
    s_id->layout_version = LAYOUT_RELEASED;
    s_id->fingerprint = FINGERPRINT_RELEASED;
}

/* Layout 2 had its settings in other places of the header, those of readers where the first three are now. */
static void move_settings_to_layout_2(struct routes_header *s_header)
{
    const struct settings settings = settings_read(&s_header->settings);
    uint32_t *s_words = (uint32_t *)s_header;
    memset((void *)&s_header->settings, 0, sizeof(settings));
    s_words[84 / 4] = settings.probe_num;
    s_words[88 / 4] = settings.slow_call_ms;
    s_words[92 / 4] = settings.max_overload_timeout_s;
    s_words[148 / 4] = settings.update_timeout_s;
    s_words[176 / 4] = settings.grace_ms;
    s_words[180 / 4] = settings.poll_interval_ms;
}

/* In layout 2, cells stood where the flags end, and had all counts of their hosts. */
static void rewrite_control_in_layout_2(const struct instance *instance, struct control *control)
{
    uint32_t cells = control->shape.call_cells;
    uint64_t size = control_released_size(control->shape);
    for (uint32_t cell = 0; cell < cells; cell++)
        store_relaxed(&control->s_calls[cell].counts, call_cell_counts(control, cell));
    void *s_calls = control->s_uses;
    memmove(s_calls, control->s_calls, cells * sizeof(struct call_cell));
    control->s_calls = s_calls;
    control->s_uses = NULL;
    memset(control->s_successes, 0, sizeof(control->s_successes));
    mark_as_released(&control->s_header->id);
    control->s_header->id.size = size;
    assert_int_equal(truncate(object_path(instance->names.control), (off_t)size), 0);
}

/* What the library of 0.1 does. */
static enum shm_status record_success_in_layout_2(const struct control *control, struct route_key key)
{
    uint32_t cell = call_cell_claim(control, key, numbered_host(1));
    if (cell == CALL_CELL_NONE)
        return SHM_FULL;
    call_stats_add(control, cell, &control->s_calls[cell].counts, 1);
    return SHM_OK;
}

static void g5_g11_objects_of_the_released_layout_are_adopted(void **state)
{
    struct instance *instance = *state;
    struct region region, control_region;
    struct routes routes;
    struct control control;
    uint64_t collected = 0;
    instance_put_keys(instance, 100, 2);
    instance_map_control(instance, &control_region, &control);
    assert_int_equal(call_stats_record(&control, numbered_key(1), numbered_host(1), true, 1, 0), SHM_OK);
    instance_stop(instance);
    assert_int_equal(instance_map(instance, true, &region, &routes), SHM_OK);
    mark_as_released(&routes.s_header->id);
    rewrite_control_in_layout_2(instance, &control);
    move_settings_to_layout_2(routes.s_header);
    /* To readers it is another layout. */
    assert_int_equal(instance_map(instance, false, &region, &routes), SHM_LAYOUT);
    instance_start(instance);
    assert_int_equal(instance_next_event(instance), EVENT_ADOPTED);
    instance_expect_keys(instance, 100, 2);
    assert_int_equal(instance_map(instance, false, &region, &routes), SHM_OK);
    assert_int_equal(load_relaxed(&routes.s_header->settings.probe_num),
                     instance->options.settings.probe_num);
    /* A client that has the library of 0.1 cannot move on: it is told that its results count no more. */
    assert_int_equal(record_success_in_layout_2(&control, numbered_key(1)), SHM_OK);
    writer_set_judge(instance->writer, instance_add_up, &collected);
    writer_collect_calls(instance->writer, 1000, 1, clock_tick());
    assert_int_equal(collected, 2);
    assert_int_equal(record_success_in_layout_2(&control, numbered_key(1)), SHM_FULL);
    assert_int_equal(record_success_in_layout_2(&control, numbered_key(2)), SHM_FULL);
    region_close(&region);
    region_close(&control_region);
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
        assert_int_equal(instance_next_event(instance), kind == 0 ? EVENT_PUT_ASIDE : EVENT_REPLACED_DAMAGED);
        instance_expect_keys(instance, 0, 1);
        if (kind == 0)
            assert_true(object_exists(instance->names.other_routes));
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
        TEST(g9_tables_by_the_clock_of_another_boot_are_served_and_expired),
        TEST(versions_go_on_across_generations),
        TEST(objects_have_the_documented_modes_under_any_umask),
        TEST(leftovers_of_a_dead_fetcher_are_removed),
        TEST(squatted_names_are_refused_and_named),
        TEST(g5_g11_objects_of_the_released_layout_are_adopted),
        TEST(damaged_object_is_replaced),
        TEST(an_emptied_object_is_replaced),
    };
    return cmocka_run_group_tests_name("unit/shm/writer/writer_open", tests, NULL, NULL);
}
