/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shm/atomic.h"
#include "shm/clock.h"
#include "shm/index.h"
#include "shm/writer/publisher.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"

enum {
    BIG = 10000 /* hosts: four such tables fill a new arena */
};

/* Writes one word of the routes object while no fetcher runs. */
static void change_header(struct instance *instance, size_t offset, uint64_t value)
{
    struct region region;
    struct routes routes;
    instance_stop(instance);
    assert_int_equal(instance_map(instance, true, &region, &routes), SHM_OK);
    memcpy((char *)region.s_base + offset, &value, sizeof(value));
    region_close(&region);
    instance_start(instance);
}

static uint64_t version_of(struct instance *instance, uint64_t key)
{
    struct region region;
    struct routes routes;
    struct table table;
    assert_int_equal(instance_map(instance, false, &region, &routes), SHM_OK);
    assert_int_equal(table_begin(&routes, index_find(&routes, numbered_key(key)), numbered_key(key), &table),
                     SHM_OK);
    region_close(&region);
    return ref_version(table.ref);
}

static void versions_are_numbered_anew_before_they_run_out(void **state)
{
    struct instance *instance = *state;
    for (uint64_t key = 1; key <= 50; key++)
        instance_put(instance, key, 1, 4, 15);
    change_header(instance, offsetof(struct routes_header, version), VERSION_MAX - 1);
    for (uint64_t key = 1; key <= 50; key++)
        assert_in_range(version_of(instance, key), 1, 50);
    instance_put(instance, 1, 2, 4, 15);
    assert_int_equal(version_of(instance, 1), 51);
}

static void a_publisher_without_versions_left_publishes_nothing(void **state)
{
    struct instance *instance = *state;
    struct publisher publisher;
    struct region region;
    struct routes routes;
    struct host_addr host = {1, 1};
    struct publication table = {.hosts = &host, .count = 1, .ttl_s = 15};
    instance_stop(instance);
    assert_int_equal(instance_map(instance, true, &region, &routes), SHM_OK);
    publisher_init(&publisher, &routes, VERSION_MAX - 1, 100);
    assert_int_equal(publisher_put(&publisher, &table, 1), PUT_PUBLISHED);
    struct table seen;
    assert_int_equal(table_begin(&routes, index_find(&routes, numbered_key(0)), numbered_key(0), &seen),
                     SHM_OK);
    assert_true(ref_version(seen.ref) == VERSION_MAX);
    host.port = 2;
    assert_int_equal(publisher_put(&publisher, &table, 1), PUT_NO_ROOM);
    assert_true(table_intact(&seen));
    publisher_free(&publisher);
    region_close(&region);
}

/* A slot whose version is the last possible one, left by damage, must not keep routes from being published. */
static void an_adopted_version_near_the_end_does_not_stop_publishing(void **state)
{
    struct instance *instance = *state;
    struct region region;
    struct routes routes;
    instance_put(instance, 1, 1, 4, 15);
    instance_stop(instance);
    assert_int_equal(instance_map(instance, true, &region, &routes), SHM_OK);
    struct slot *s_slot = routes_slot(&routes, index_find(&routes, numbered_key(1)));
    uint64_t ref = ref_make(VERSION_MAX, ref_unit(load_relaxed(&s_slot->ref)));
    store_relaxed(&routes_block(&routes, ref_unit(ref))->stamp, ref);
    store_relaxed(&s_slot->ref, ref);
    region_close(&region);
    instance_start(instance);
    instance_put(instance, 1, 2, 4, 15);
    instance_put(instance, 2, 1, 4, 15);
    assert_true(version_of(instance, 2) < 100);
}

static void g4_replaced_tables_stay_for_grace_ms(void **state)
{
    struct instance *instance = *state;
    struct region region;
    struct routes routes;
    struct host_addr hosts[4];
    struct table first;
    uint64_t now = clock_tick();
    uint32_t seen = UINT32_MAX;
    self_checking_hosts(1, 1, 4, hosts);
    assert_int_equal(
        writer_put(instance->writer, numbered_key(1), hosts, 4, NULL, 15, now, instance->message), SHM_OK);
    assert_int_equal(instance_map(instance, false, &region, &routes), SHM_OK);
    assert_int_equal(table_begin(&routes, index_find(&routes, numbered_key(1)), numbered_key(1), &first),
                     SHM_OK);
    for (uint32_t round = 2; round < 2000; round++) {
        self_checking_hosts(1, round, 4, hosts);
        assert_int_equal(
            writer_put(instance->writer, numbered_key(1), hosts, 4, NULL, 15, now + round, instance->message),
            SHM_OK);
        assert_true(table_intact(&first));
    }
    for (uint32_t i = 0; i < 4; i++)
        assert_true(self_checking_holds(1, i, load_relaxed(&first.s_addresses[i]),
                                        load_relaxed(&first.s_ports[i]), &seen));
    assert_int_equal(seen, 1);
    region_close(&region);
}

/* A push brings hosts for a key that was unknown, and takes a new generation, which leaves expired entries out. */
static void gauges_stay_right_when_an_unknown_key_gets_hosts_and_the_object_grows(void **state)
{
    struct instance *instance = *state;
    uint64_t now = clock_tick();
    static struct host_addr hosts[BIG];
    assert_int_equal(writer_put(instance->writer, numbered_key(1), NULL, 0, NULL, 1, now, instance->message),
                     SHM_OK);
    uint64_t generations = writer_counter(instance->writer, COUNTER_generations);
    uint64_t key = 100;
    for (; writer_counter(instance->writer, COUNTER_generations) == generations; key++) {
        self_checking_hosts(key, 1, BIG, hosts);
        uint64_t here = key == 104 ? 1 : key;
        assert_int_equal(writer_put(instance->writer, numbered_key(here), hosts, BIG, NULL, 15, now + 60000,
                                    instance->message),
                         SHM_OK);
    }
    assert_int_equal(key, 105);
    assert_int_equal(writer_counter(instance->writer, COUNTER_negative), 0);
    assert_int_equal(writer_counter(instance->writer, COUNTER_routes), 5);
    assert_int_equal(writer_put(instance->writer, numbered_key(2), NULL, 0, NULL, 1, now, instance->message),
                     SHM_OK);
}

/* What readers see of a route: which hosts are out of the turn (the first 32 of them), and how many. */
struct turn {
    uint64_t masks;
    uint32_t out;
};

static struct turn turn_of(struct instance *instance, uint64_t key)
{
    struct region region;
    struct routes routes;
    struct table table;
    assert_int_equal(instance_map(instance, false, &region, &routes), SHM_OK);
    assert_int_equal(table_begin(&routes, index_find(&routes, numbered_key(key)), numbered_key(key), &table),
                     SHM_OK);
    struct turn turn = {load_relaxed(table.s_masks), table.ejected};
    region_close(&region);
    return turn;
}

static void expect_rotation(struct instance *instance, uint64_t key, uint64_t masks, uint32_t out)
{
    struct turn turn = turn_of(instance, key);
    assert_int_equal(turn.masks, masks);
    assert_int_equal(turn.out, out);
}

static void hosts_leave_the_turn_and_come_back_one_by_one(void **state)
{
    struct instance *instance = *state;
    instance_put(instance, 1, 1, 4, 15);
    for (int again = 0; again < 2; again++)
        writer_set_rotation(instance->writer, numbered_key(1), 0, true, false);
    expect_rotation(instance, 1, ejected_bit(0), 1);
    writer_set_rotation(instance->writer, numbered_key(1), 3, true, true);
    expect_rotation(instance, 1, ejected_bit(0) | ejected_bit(3) | drained_bit(3), 2);
    writer_set_rotation(instance->writer, numbered_key(1), 3, true, false);
    expect_rotation(instance, 1, ejected_bit(0) | ejected_bit(3), 2);
    assert_true(writer_any_ejected(instance->writer, numbered_key(1)));
    for (int again = 0; again < 2; again++)
        writer_set_rotation(instance->writer, numbered_key(1), 0, false, false);
    writer_set_rotation(instance->writer, numbered_key(1), 3, false, false);
    expect_rotation(instance, 1, 0, 0);
    assert_false(writer_any_ejected(instance->writer, numbered_key(1)));
}

static void verdicts_about_no_host_change_nothing(void **state)
{
    struct instance *instance = *state;
    instance_put(instance, 1, 1, 4, 15);
    writer_set_rotation(instance->writer, numbered_key(1), 4, true, true);
    writer_set_rotation(instance->writer, numbered_key(1), HOST_NONE, true, true);
    writer_set_rotation(instance->writer, numbered_key(2), 0, true, true);
    expect_rotation(instance, 1, 0, 0);
}

static void a_refresh_keeps_verdicts_and_a_new_table_takes_those_it_is_given(void **state)
{
    struct instance *instance = *state;
    static struct host_addr hosts[70];
    uint64_t masks[MASK_WORDS(70)] = {ejected_bit(1), 0, ejected_bit(69) | drained_bit(69)};
    instance_put(instance, 1, 1, 4, 15);
    writer_set_rotation(instance->writer, numbered_key(1), 2, true, false);
    instance_put(instance, 1, 1, 4, 15);
    expect_rotation(instance, 1, ejected_bit(2), 1);
    self_checking_hosts(1, 2, 70, hosts);
    assert_int_equal(
        writer_put(instance->writer, numbered_key(1), hosts, 70, masks, 15, clock_tick(), instance->message),
        SHM_OK);
    expect_rotation(instance, 1, ejected_bit(1), 2);
    instance_put(instance, 1, 1, 4, 15);
    expect_rotation(instance, 1, 0, 0);
}

/* A fetcher that died between its two stores. */
static void the_next_generation_counts_hosts_out_of_the_turn_again(void **state)
{
    struct instance *instance = *state;
    struct region region;
    struct routes routes;
    for (uint16_t wrong = 0; wrong < 3; wrong++) {
        instance_put(instance, 1, wrong + 1, 40, 15);
        writer_set_rotation(instance->writer, numbered_key(1), 1, true, false);
        writer_set_rotation(instance->writer, numbered_key(1), 39, true, true);
        instance_stop(instance);
        assert_int_equal(instance_map(instance, true, &region, &routes), SHM_OK);
        uint64_t ref = load_relaxed(&routes_slot(&routes, index_find(&routes, numbered_key(1)))->ref);
        store_relaxed(&routes_block(&routes, ref_unit(ref))->ejected, wrong);
        region_close(&region);
        instance_start(instance);
        expect_rotation(instance, 1, ejected_bit(1), 2);
        writer_set_rotation(instance->writer, numbered_key(1), 1, false, false);
        writer_set_rotation(instance->writer, numbered_key(1), 39, false, false);
        expect_rotation(instance, 1, 0, 0);
    }
}

static void a_held_answer_is_shown_until_the_next_one(void **state)
{
    struct instance *instance = *state;
    instance_put(instance, 1, 1, 4, 15);
    writer_set_held(instance->writer, numbered_key(1), true);
    assert_true(writer_held(instance->writer, numbered_key(1)));
    instance_renew(instance);
    assert_true(writer_held(instance->writer, numbered_key(1)));
    instance_put(instance, 1, 1, 4, 15);
    assert_false(writer_held(instance->writer, numbered_key(1)));
    writer_set_held(instance->writer, numbered_key(1), true);
    instance_put(instance, 1, 2, 4, 15);
    assert_false(writer_held(instance->writer, numbered_key(1)));
}

static void an_emptied_object_is_replaced(void **state)
{
    struct instance *instance = *state;
    const char *const names[] = {instance->names.routes, instance->names.control};
    for (int i = 0; i < 2; i++) {
        char path[OBJECT_NAME_MAX + 16];
        instance_put(instance, 1, 1, 4, 15);
        instance_stop(instance);
        snprintf(path, sizeof(path), "/dev/shm%s", names[i]);
        assert_int_equal(truncate(path, 0), 0);
        instance_start(instance);
        instance_put(instance, 2, 1, 4, 15);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(versions_are_numbered_anew_before_they_run_out),
        TEST(a_publisher_without_versions_left_publishes_nothing),
        TEST(an_adopted_version_near_the_end_does_not_stop_publishing),
        TEST(g4_replaced_tables_stay_for_grace_ms),
        TEST(gauges_stay_right_when_an_unknown_key_gets_hosts_and_the_object_grows),
        TEST(hosts_leave_the_turn_and_come_back_one_by_one),
        TEST(verdicts_about_no_host_change_nothing),
        TEST(a_refresh_keeps_verdicts_and_a_new_table_takes_those_it_is_given),
        TEST(the_next_generation_counts_hosts_out_of_the_turn_again),
        TEST(a_held_answer_is_shown_until_the_next_one),
        TEST(an_emptied_object_is_replaced),
    };
    return cmocka_run_group_tests_name("shm/publisher", tests, NULL, NULL);
}
