/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/reader/call_stats.h"
#include "shm/reader/demand.h"
#include "shm/table.h"
#include "shm/writer/sigbus.h"
#include "tests/support/by_key.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"
#include "tests/support/object_path.h"

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
        assert_int_equal(writer_control_cut(instance->writer), damage[i] == cut);
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

static bool count_results(void *context, const struct call_report *report)
{
    *(uint64_t *)context += report->batch.succ;
    return true;
}

static void g11_results_in_a_control_object_that_is_replaced_alone_count(void **state)
{
    struct instance *instance = *state;
    struct region region;
    struct control control;
    uint64_t counted = 0;
    writer_set_judge(instance->writer, count_results, &counted);
    instance_map_control(instance, &region, &control);
    overwrite_header(instance);
    assert_int_equal(writer_maintain(instance->writer, clock_tick()), SHM_OK);
    call_stats_record(&control, numbered_key(1), (struct host_addr){1, 1}, true, 1);
    writer_collect_calls(instance->writer, 1000, 1000, clock_tick());
    assert_int_equal(counted, 1);
    region_close(&region);
}

/* ---- what programs hold ---- */

static void expect_held(struct instance *instance, uint64_t objects, uint64_t bytes)
{
    assert_int_equal(writer_maintain(instance->writer, clock_tick()), SHM_OK);
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
        TEST(removed_objects_are_recreated),
        TEST(g10_a_damaged_control_object_is_replaced_alone),
        TEST(g11_results_in_a_control_object_that_is_replaced_alone_count),
        TEST(g10_what_programs_hold_of_replaced_generations_is_counted),
        TEST(g10_who_keeps_what_it_damages_is_given_no_more_than_a_bound),
        TEST(g10_keys_that_do_not_exist_cause_a_bounded_number_of_generations),
        TEST(a_refusal_ends_when_there_is_room_again),
        TEST(gauges_stay_right_when_an_unknown_key_gets_hosts_and_the_object_grows),
    };
    return cmocka_run_group_tests_name("unit/shm/writer/writer_generation", tests, NULL, NULL);
}
