/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/reader/call_stats.h"
#include "shm/reader/demand.h"
#include "shm/writer/sigbus.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"
#include "tests/support/object_path.h"

static void remove_name(struct instance *instance)
{
    shm_unlink(instance->names.control);
}

static void overwrite_header(struct instance *instance)
{
    struct region region;
    struct control control;
    instance_map_control(instance, &region, &control);
    control.s_header->id.magic = 0;
    region_close(&region);
}

static void cut(struct instance *instance)
{
    assert_int_equal(truncate(object_path(instance->names.control), 0), 0);
}

static void g10_a_damaged_control_object_is_replaced_alone(void **state)
{
    struct instance *instance = *state;
    void (*const damage[])(struct instance *) = {remove_name, overwrite_header, cut, cut};
    assert_int_equal(sigbus_install(), 0);
    instance_put_keys(instance, 20, 1);
    uint64_t generation = writer_generation(instance->writer);
    for (int i = 0; i < 4; i++) {
        struct region region;
        struct control control;
        uint64_t number = writer_control(instance->writer);
        damage[i](instance);
        assert_int_equal(writer_leave_cut_control(instance->writer), damage[i] == cut);
        assert_int_equal(writer_maintain(instance->writer, clock_tick()), SHM_OK);
        assert_int_equal(instance_next_event(instance), EVENT_CONTROL_RECREATED);
        assert_true(writer_control(instance->writer) > number);
        assert_int_equal(writer_generation(instance->writer), generation);
        instance_expect_keys(instance, 20, 1);
        instance_map_control(instance, &region, &control);
        demand_route(&control, numbered_key(77));
        region_close(&region);
        assert_int_equal(instance_missed(instance).count, 1);
    }
    /* Numbers are not drawn twice. */
    uint64_t number = writer_control(instance->writer);
    instance_renew(instance);
    assert_true(writer_generation(instance->writer) > number);
    assert_int_equal(writer_control(instance->writer), writer_generation(instance->writer));
}

static uint64_t number_for_clients(const struct instance *instance)
{
    struct region region;
    struct routes routes;
    assert_int_equal(instance_map(instance, false, &region, &routes), SHM_OK);
    uint64_t number = control_number(routes.s_header);
    region_close(&region);
    return number;
}

static void clients_leave_a_truncated_control_object_before_there_is_another(void **state)
{
    struct instance *instance = *state;
    uint64_t old = writer_control(instance->writer);
    assert_int_equal(sigbus_install(), 0);
    assert_false(writer_leave_cut_control(instance->writer));
    assert_int_equal(number_for_clients(instance), old);
    cut(instance);
    assert_true(writer_leave_cut_control(instance->writer));
    uint64_t next = number_for_clients(instance);
    assert_true(next > old);
    assert_int_equal(writer_control(instance->writer), old);
    assert_true(writer_leave_cut_control(instance->writer));
    assert_int_equal(number_for_clients(instance), next);
    assert_int_equal(writer_maintain(instance->writer, clock_tick()), SHM_OK);
    assert_int_equal(writer_control(instance->writer), next);
}

static void g11_results_in_a_control_object_that_is_replaced_alone_count(void **state)
{
    struct instance *instance = *state;
    struct region region;
    struct control control;
    uint64_t counted = 0;
    writer_set_judge(instance->writer, instance_add_up, &counted);
    instance_map_control(instance, &region, &control);
    overwrite_header(instance);
    assert_int_equal(writer_maintain(instance->writer, clock_tick()), SHM_OK);
    call_stats_record(&control, numbered_key(1), (struct host_addr){1, 1}, true, 1, 0);
    writer_collect_calls(instance->writer, 1000, 1000, clock_tick());
    assert_int_equal(counted, 1);
    region_close(&region);
}

enum {
    HELD_MOST = 16 << 20,   /* the least that programs may hold, whatever max_bytes is */
    DAMAGES_MOST = 1000,    /* more than it takes to be refused */
    HOLD_DROPPED_MS = 61000 /* the fetcher itself has dropped what it replaced */
};

/* Damages control and keeps it, until it is not replaced any more; how many it keeps. */
static int damage_and_hold(struct instance *instance, void (*damage)(struct instance *), int *fds,
                           uint64_t *now)
{
    int count = 0;
    enum event_kind kind;
    do {
        assert_true(count < DAMAGES_MOST);
        fds[count] = region_descriptor(instance->names.control, O_RDWR, 0);
        assert_true(fds[count++] >= 0);
        damage(instance);
        *now += HOLD_DROPPED_MS;
        assert_int_equal(writer_maintain(instance->writer, *now), SHM_OK);
        kind = instance_next_event(instance);
    } while (kind == EVENT_CONTROL_RECREATED);
    assert_int_equal(kind, EVENT_HELD);
    return count;
}

static void cut_last_page(struct instance *instance)
{
    struct region region;
    struct control control;
    instance_map_control(instance, &region, &control);
    assert_int_equal(truncate(object_path(instance->names.control), (off_t)region.size - 4096), 0);
    region_close(&region);
}

static void g10_who_keeps_what_it_damages_is_given_no_more_than_a_bound(void **state)
{
    struct instance *instance = *state;
    static int fds[DAMAGES_MOST];
    void (*const damage[])(struct instance *) = {overwrite_header, cut_last_page};
    uint64_t now = clock_tick();
    assert_int_equal(sigbus_install(), 0);
    instance_put_keys(instance, 20, 1);
    for (int i = 0; i < 2; i++) {
        struct region region;
        struct control control;
        int count = damage_and_hold(instance, damage[i], fds, &now);
        uint64_t number = writer_control(instance->writer);
        assert_int_equal(writer_maintain(instance->writer, now), SHM_OK);
        assert_int_equal(writer_control(instance->writer), number);
        assert_true(writer_counter(instance->writer, COUNTER_replaced_bytes) <= HELD_MOST);
        instance_expect_keys(instance, 20, 1);
        /* Clients leave what they would die of. */
        struct routes routes;
        assert_int_equal(instance_map(instance, false, &region, &routes), SHM_OK);
        assert_int_equal(control_number(routes.s_header) != number, damage[i] == cut_last_page);
        region_close(&region);
        while (count > 0)
            close(fds[--count]);
        assert_int_equal(writer_maintain(instance->writer, now), SHM_OK);
        while (instance_next_event(instance) == EVENT_HELD)
            ;
        assert_int_equal(instance->event.kind, EVENT_CONTROL_RECREATED);
        instance_map_control(instance, &region, &control);
        region_close(&region);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(clients_leave_a_truncated_control_object_before_there_is_another),
        TEST(g10_a_damaged_control_object_is_replaced_alone),
        TEST(g11_results_in_a_control_object_that_is_replaced_alone_count),
        TEST(g10_who_keeps_what_it_damages_is_given_no_more_than_a_bound),
    };
    return cmocka_run_group_tests_name("unit/shm/writer/writer_control", tests, NULL, NULL);
}
