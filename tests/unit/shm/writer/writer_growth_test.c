/* SPDX-License-Identifier: MIT */
#include <glob.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/atomic.h"
#include "shm/check.h"
#include "shm/clock.h"
#include "shm/index.h"
#include "shm/reader/call_stats.h"
#include "shm/writer/writer_internal.h"
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

enum {
    MANY = 60000, /* routes: growth takes many parts */
};

/* Publishes keys 1, 2, ... as instance_put_keys() does, until a larger generation of MANY is under way. How many there are. */
static uint32_t begin_growth(struct instance *instance)
{
    uint32_t key = 0;
    instance->options.max_bytes = 64 << 20;
    instance->options.max_unknown = MANY;
    instance_stop(instance);
    instance_start(instance);
    while (key < MANY || !writer_grow_on(instance->writer, clock_tick())) {
        key++;
        instance_put(instance, key, 1, key % 9, 15);
        while (key < MANY && writer_grow_on(instance->writer, clock_tick()))
            continue;
    }
    assert_true(object_exists(instance->names.next_routes));
    return key;
}

static uint64_t bytes_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (uint64_t)st.st_blocks * 512 : 0;
}

/* Of all objects of the instance. */
static uint64_t bytes_of_all(const struct instance *instance)
{
    char pattern[OBJECT_NAME_MAX + 40];
    glob_t found;
    uint64_t sum = 0;
    snprintf(pattern, sizeof(pattern), "%s*", object_path(instance->names.routes));
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++)
        sum += bytes_of(found.gl_pathv[i]);
    globfree(&found);
    return sum;
}

static void growth_is_done_in_parts_of_bounded_work(void **state)
{
    enum {
        PART_BYTES = 2 << 20,
        PART_ROUTES = 8192,
    };
    struct instance *instance = *state;
    const uint32_t keys = begin_growth(instance);
    const uint64_t generation = writer_generation(instance->writer);
    uint64_t before = bytes_of(object_path(instance->names.next_routes));
    uint32_t parts = 1;
    for (; writer_grow_on(instance->writer, clock_tick()); parts++) {
        uint64_t bytes = bytes_of(object_path(instance->names.next_routes));
        assert_in_range(bytes - before, 0, PART_BYTES);
        before = bytes;
    }
    assert_true(parts >= before / PART_BYTES + keys / PART_ROUTES);
    assert_true(writer_generation(instance->writer) > generation);
    assert_false(object_exists(instance->names.next_routes));
    instance_expect_keys(instance, keys, 1);
}

static void g10_two_generations_take_less_than_twice_the_larger_one(void **state)
{
    struct instance *instance = *state;
    uint64_t most = 0;
    begin_growth(instance);
    do {
        uint64_t bytes = bytes_of_all(instance);
        most = bytes > most ? bytes : most;
    } while (writer_grow_on(instance->writer, clock_tick()));
    const uint64_t larger = bytes_of(object_path(instance->names.routes));
    most += bytes_of(object_path(instance->names.control)); /* it was made in the last part */
    assert_in_range(most, larger, larger + larger / 10 * 8 + (4 << 20));
}

static void routes_are_served_and_published_while_the_object_grows(void **state)
{
    struct instance *instance = *state;
    uint32_t keys = begin_growth(instance);
    const uint64_t generation = writer_generation(instance->writer);
    while (writer_grow_on(instance->writer, clock_tick())) {
        assert_int_equal(writer_generation(instance->writer), generation);
        keys++;
        instance_put(instance, keys, 1, keys % 9, 15);
    }
    instance_expect_keys(instance, keys, 1);
    assert_int_equal(writer_counter(instance->writer, COUNTER_routes), keys - keys / 9);
    assert_int_equal(writer_counter(instance->writer, COUNTER_negative), keys / 9);
    assert_int_equal(writer_counter(instance->writer, COUNTER_publishes), keys);
}

/* All that can happen to a route, to some hundred of them. */
static void change(struct instance *instance, uint32_t keys, uint32_t round)
{
    struct writer *writer = instance->writer;
    for (uint64_t i = 0; i < 400; i++) {
        const uint64_t key = 1 + hash_word(i << 32 | round, 1) % keys;
        const struct route_ref route = writer_find(writer, numbered_key(key));
        const uint32_t count = route_ref_count(&route);
        switch (i % 8) {
        case 0:
            instance_put(instance, key, round, (uint32_t)(key % 40), 15);
            break;
        case 1:
            instance_put(instance, key, 1, 0, 600);
            break;
        case 2:
            instance_put(instance, key, 1, count, 14);
            break;
        case 3:
            writer_set_pulling(writer, &route);
            break;
        case 4:
            writer_set_new(writer, &route);
            break;
        case 5:
            for (uint32_t at = 0; at < count; at += 2)
                writer_set_share(writer, &route, at, round % 9);
            break;
        case 6:
            writer_set_held(writer, &route, HOLD_EMPTY);
            break;
        case 7:
            writer_set_spared(writer, &route, round % 2);
            break;
        }
    }
}

static void expect_same_table(const struct table *old, const struct table *now)
{
    assert_int_equal(now->count, old->count);
    assert_true(now->expires == old->expires);
    assert_int_equal(now->limited, old->limited);
    assert_int_equal(now->ttl_s, old->ttl_s);
    assert_true(ref_version(now->ref) == ref_version(old->ref));
    assert_int_equal(load_relaxed(&now->s_block->marks), load_relaxed(&old->s_block->marks));
    for (uint32_t word = 0; word < STATE_WORDS(old->count); word++)
        assert_true(load_relaxed(&now->s_states[word]) == load_relaxed(&old->s_states[word]));
    for (uint32_t i = 0; i < old->count; i++)
        assert_true(host_addr_equal(table_host(now, i), table_host(old, i)));
}

/* The old object stays as it was when the new one took its name. */
static void what_changes_while_the_object_grows_is_in_the_new_one(void **state)
{
    struct instance *instance = *state;
    const uint32_t keys = begin_growth(instance);
    struct region region;
    struct routes routes;
    uint32_t round = 2;
    assert_int_equal(instance_map(instance, false, &region, &routes), SHM_OK);
    do
        change(instance, keys, round++);
    while (writer_grow_on(instance->writer, clock_tick()));
    assert_int_equal(load_relaxed(&routes.s_header->superseded), SUPERSEDED_YES);
    for (uint64_t key = 1; key <= keys; key++) {
        const struct route_ref now = writer_find(instance->writer, numbered_key(key));
        struct table old;
        assert_int_equal(
            table_begin(&routes, index_find(&routes, numbered_key(key)), numbered_key(key), &old), SHM_OK);
        assert_true(route_ref_is_here(&now));
        expect_same_table(&old, &now.table);
    }
    region_close(&region);
    assert_int_equal(writer_counter(instance->writer, COUNTER_routes) +
                         writer_counter(instance->writer, COUNTER_negative),
                     keys);
    instance_put(instance, 1, round, 3, 15); /* with a version of its own, which the walk expects */
    instance_put(instance, 2, round, 3, 15);
    assert_int_equal(instance_map(instance, false, &region, &routes), SHM_OK);
    struct check_report report;
    assert_int_equal(check_routes(&routes, &report), SHM_OK);
    region_close(&region);
}

/* A judge that ejects each host that has results. */
static bool eject(void *context, const struct call_report *report)
{
    struct writer *writer = context;
    const struct route_ref route = writer_find(writer, report->key);
    writer_set_share(writer, &route, route_ref_find_host(&route, report->host), SHARE_EJECTED);
    return true;
}

static void report_first_host(const struct instance *instance, uint64_t key)
{
    struct region region;
    struct control control;
    const struct route_ref route = writer_find(instance->writer, numbered_key(key));
    instance_map_control(instance, &region, &control);
    assert_int_equal(call_stats_record(&control, numbered_key(key), table_host(&route.table, 0), false, 1, 0),
                     SHM_OK);
    region_close(&region);
}

static void expect_first_host_ejected(const struct instance *instance, uint64_t key)
{
    const struct route_ref route = writer_find(instance->writer, numbered_key(key));
    assert_true(route_ref_is_here(&route));
    assert_int_equal(share_in(load_relaxed(&route.table.s_states[0]), 0), SHARE_EJECTED);
    assert_int_equal(route.table.limited, 1);
}

/* Results that no poll has collected yet are, right before the old control object is left. */
static void what_late_results_change_is_in_the_new_object(void **state)
{
    struct instance *instance = *state;
    begin_growth(instance);
    writer_set_judge(instance->writer, eject, instance->writer);
    report_first_host(instance, 1);
    while (writer_grow_on(instance->writer, clock_tick()))
        continue;
    expect_first_host_ejected(instance, 1);

    report_first_host(instance, 2);
    assert_int_equal(writer_recreate(instance->writer, clock_tick()), SHM_OK);
    expect_first_host_ejected(instance, 2);
}

/* Nothing is refused because the next generation is not complete. */
static void room_that_is_used_up_meanwhile_completes_the_growth(void **state)
{
    struct instance *instance = *state;
    uint32_t keys = begin_growth(instance);
    const uint64_t generation = writer_generation(instance->writer);
    while (writer_generation(instance->writer) == generation) {
        keys++;
        instance_put(instance, keys, 1, keys % 9, 15);
    }
    assert_false(object_exists(instance->names.next_routes));
    instance_expect_keys(instance, keys, 1);
}

static void a_name_that_is_lost_meanwhile_is_back_and_growth_begins_again(void **state)
{
    struct instance *instance = *state;
    uint32_t keys = begin_growth(instance);
    unlink(object_path(instance->names.routes));
    assert_int_equal(writer_maintain(instance->writer, clock_tick()), SHM_OK);
    assert_false(object_exists(instance->names.next_routes));
    instance_expect_keys(instance, keys, 1);
    const uint64_t generation = writer_generation(instance->writer);
    while (writer_generation(instance->writer) == generation) {
        keys++;
        instance_put(instance, keys, 1, keys % 9, 15);
        writer_grow_on(instance->writer, clock_tick());
    }
    instance_expect_keys(instance, keys, 1);
}

static void control_that_is_lost_meanwhile_is_replaced_and_growth_goes_on(void **state)
{
    struct instance *instance = *state;
    const uint32_t keys = begin_growth(instance);
    unlink(object_path(instance->names.control));
    assert_int_equal(writer_maintain(instance->writer, clock_tick()), SHM_OK);
    const uint64_t control = writer_control(instance->writer);
    assert_true(writer_grow_on(instance->writer, clock_tick()));
    while (writer_grow_on(instance->writer, clock_tick()))
        continue;
    assert_true(writer_control(instance->writer) > control);
    assert_int_equal(writer_control(instance->writer), writer_generation(instance->writer));
    instance_expect_keys(instance, keys, 1);
}

static void g5_a_fetcher_that_stops_meanwhile_leaves_the_old_object_and_no_other(void **state)
{
    struct instance *instance = *state;
    const uint32_t keys = begin_growth(instance);
    instance_stop(instance);
    assert_false(object_exists(instance->names.next_routes));
    instance_expect_keys(instance, keys, 1);
    instance_start(instance);
    instance_expect_keys(instance, keys, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(growth_keeps_every_route),
        TEST(g10_keys_that_do_not_exist_cause_a_bounded_number_of_generations),
        TEST(gauges_stay_right_when_an_unknown_key_gets_hosts_and_the_object_grows),
        TEST(growth_is_done_in_parts_of_bounded_work),
        TEST(g10_two_generations_take_less_than_twice_the_larger_one),
        TEST(routes_are_served_and_published_while_the_object_grows),
        TEST(what_changes_while_the_object_grows_is_in_the_new_one),
        TEST(what_late_results_change_is_in_the_new_object),
        TEST(room_that_is_used_up_meanwhile_completes_the_growth),
        TEST(a_name_that_is_lost_meanwhile_is_back_and_growth_begins_again),
        TEST(control_that_is_lost_meanwhile_is_replaced_and_growth_goes_on),
        TEST(g5_a_fetcher_that_stops_meanwhile_leaves_the_old_object_and_no_other),
    };
    return cmocka_run_group_tests_name("unit/shm/writer/writer_growth", tests, NULL, NULL);
}
