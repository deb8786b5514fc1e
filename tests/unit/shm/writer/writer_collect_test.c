/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <sys/resource.h>

#include "shm/call_cell.h"
#include "shm/clock.h"
#include "shm/index.h"
#include "shm/reader/call_stats.h"
#include "shm/reader/demand.h"
#include "shm/reader/lookup_stats.h"
#include "shm/writer/call_stats.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"

enum {
    PLENTY = 1 << 20,
    FIRST_CELLS = 1024,
    HOSTS = FIRST_CELLS / 2 + 1,
};

static void lookups_in_a_replaced_control_object_are_counted(void **state)
{
    struct instance *instance = *state;
    struct region region;
    struct control control;
    instance_map_control(instance, &region, &control);
    lookup_stats_add(&control, 0, 100, 10, 1);
    instance_renew(instance);
    lookup_stats_add(&control, 1, 100, 10, 1);
    for (int again = 0; again < 2; again++)
        assert_int_equal(writer_maintain(instance->writer, clock_tick()), SHM_OK);
    assert_int_equal(writer_counter(instance->writer, COUNTER_lookups), 200);
    assert_int_equal(writer_counter(instance->writer, COUNTER_lookups_missed), 20);
    region_close(&region);
}

static void flags_and_misses_come_with_the_key_of_their_route(void **state)
{
    struct instance *instance = *state;
    struct region region, routes_region;
    struct routes routes;
    struct control control;
    instance_put(instance, 77, 1, 4, 15);
    assert_int_equal(instance_map(instance, false, &routes_region, &routes), SHM_OK);
    instance_map_control(instance, &region, &control);
    demand_refresh(&control, index_find(&routes, numbered_key(77)));
    demand_route(&control, numbered_key(88));
    struct keys flagged = instance_flagged(instance), missed = instance_missed(instance);
    assert_int_equal(flagged.count, 1);
    assert_int_equal(flagged.key[0], 77);
    assert_int_equal(missed.count, 1);
    assert_int_equal(missed.key[0], 88);
    region_close(&region);
    region_close(&routes_region);
}

static void a_flag_of_a_slot_without_a_route_asks_for_nothing(void **state)
{
    struct instance *instance = *state;
    struct region region;
    struct control control;
    instance_map_control(instance, &region, &control);
    demand_refresh(&control, 0);
    demand_refresh(&control, control.shape.slot_count - 1);
    assert_int_equal(instance_flagged(instance).count, 0);
    region_close(&region);
}

static void more_cells_are_made_once_half_are_of_hosts_that_exist(void **state)
{
    struct instance *instance = *state;
    struct region region;
    struct control control;
    uint64_t collected = 0;
    writer_set_judge(instance->writer, instance_add_up, &collected);
    instance_map_control(instance, &region, &control);
    assert_int_equal(control.shape.call_cells, FIRST_CELLS);
    for (uint32_t host = 1; host <= HOSTS; host++)
        call_stats_record(&control, numbered_key(host), numbered_host(host), true, 1, 0);
    region_close(&region);
    writer_collect_calls(instance->writer, PLENTY, HOSTS, clock_tick());
    assert_int_equal(collected, HOSTS);
    instance_map_control(instance, &region, &control);
    assert_true(control.shape.call_cells > FIRST_CELLS);
    region_close(&region);
}

/* Results of hosts that exist find no cell, and there is no room for a larger control object. */
static void g10_results_refused_for_lack_of_room_are_a_limit_that_is_shown(void **state)
{
    struct instance *instance = *state;
    struct region region;
    struct control control;
    uint64_t collected = 0, now = clock_tick();
    struct rlimit most, small;
    writer_set_judge(instance->writer, instance_add_up, &collected);
    instance_map_control(instance, &region, &control);
    for (uint32_t host = 1; host <= 4 * FIRST_CELLS; host++)
        call_stats_record(&control, numbered_key(host), numbered_host(host), true, 1, 0);
    region_close(&region);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &most), 0);
    small = (struct rlimit){4096, most.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    writer_collect_calls(instance->writer, PLENTY, 4 * FIRST_CELLS, now);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &most), 0);
    assert_true(writer_counter(instance->writer, COUNTER_reports_refused) > 0);
    assert_int_equal(writer_counter(instance->writer, COUNTER_cells_reached), 1);
    writer_collect_calls(instance->writer, PLENTY, 4 * FIRST_CELLS, now + 60 * 1000);
    assert_int_equal(writer_counter(instance->writer, COUNTER_cells_reached), 0);
}

static bool is_unknown(void *context, const struct call_report *report)
{
    *(uint64_t *)context += report->batch.succ;
    return false;
}

/* Fills a control object with results of hosts that do not exist. */
static void invent_hosts(const struct instance *instance)
{
    static uint32_t host = 1;
    struct region region;
    struct control control;
    instance_map_control(instance, &region, &control);
    for (int i = 0; i < 4 * FIRST_CELLS; i++, host++)
        call_stats_record(&control, numbered_key(host), numbered_host(host), true, 1, 0);
    region_close(&region);
}

static enum shm_status report_one(const struct instance *instance, uint64_t host)
{
    struct region region;
    struct control control;
    instance_map_control(instance, &region, &control);
    enum shm_status status = call_stats_record(&control, numbered_key(0), numbered_host(host), true, 1, 0);
    region_close(&region);
    return status;
}

static void
g10_g11_hosts_that_do_not_exist_make_room_in_another_control_object_and_no_generation(void **state)
{
    struct instance *instance = *state;
    uint64_t collected = 0, generation = writer_generation(instance->writer), now = clock_tick();
    writer_set_judge(instance->writer, is_unknown, &collected);
    for (uint64_t host = 1; host <= 20; host++, now += 10 * 1000) {
        uint64_t number = writer_control(instance->writer);
        invent_hosts(instance);
        assert_int_equal(report_one(instance, host), SHM_FULL);
        writer_collect_calls(instance->writer, PLENTY, HOSTS, now);
        assert_true(writer_control(instance->writer) > number);
        assert_int_equal(writer_generation(instance->writer), generation);
        assert_int_equal(report_one(instance, host), SHM_OK);
    }
}

static uint32_t place_of(const struct instance *instance)
{
    struct region region;
    struct control control;
    instance_map_control(instance, &region, &control);
    uint32_t at = call_cell_claim(&control, numbered_key(1), numbered_host(1));
    region_close(&region);
    return at;
}

/* A host that found no cell finds one in the next object: others are in its way there. */
static void another_control_object_spreads_hosts_in_another_way(void **state)
{
    struct instance *instance = *state;
    uint64_t collected = 0, now = clock_tick();
    unsigned moved = 0;
    writer_set_judge(instance->writer, is_unknown, &collected);
    for (int again = 0; again < 8; again++, now += 10 * 1000) {
        uint32_t before = place_of(instance);
        invent_hosts(instance);
        writer_collect_calls(instance->writer, PLENTY, HOSTS, now);
        moved += place_of(instance) != before;
    }
    assert_true(moved >= 6);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(lookups_in_a_replaced_control_object_are_counted),
        TEST(flags_and_misses_come_with_the_key_of_their_route),
        TEST(a_flag_of_a_slot_without_a_route_asks_for_nothing),
        TEST(g10_g11_hosts_that_do_not_exist_make_room_in_another_control_object_and_no_generation),
        TEST(another_control_object_spreads_hosts_in_another_way),
        TEST(g10_results_refused_for_lack_of_room_are_a_limit_that_is_shown),
        TEST(more_cells_are_made_once_half_are_of_hosts_that_exist),
    };
    return cmocka_run_group_tests_name("unit/shm/writer/writer_collect", tests, NULL, NULL);
}
