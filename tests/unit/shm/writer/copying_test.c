/* SPDX-License-Identifier: MIT */
#include "shm/writer/copying.h"

#include <string.h>

#include "shm/atomic.h"
#include "shm/clock.h"
#include "shm/index.h"
#include "shm/object_id.h"
#include "tests/support/by_key.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"

enum {
    BUCKETS = 512,
    UNITS = 4096,
    KEYS = 100,
    EXPIRED = 200, /* the key of an entry without hosts that has expired */
};

/* A routes object without a name, and what it is to be copied from. */
struct pair {
    struct region region, source_region;
    struct routes source;
    struct publisher to;
    struct key_sketch dropped;
    struct copying copying;
};

static void open_pair(struct instance *instance, struct pair *pair, uint32_t units)
{
    struct routes routes;
    *pair = (struct pair){0};
    assert_int_equal(instance_map(instance, true, &pair->source_region, &pair->source), SHM_OK);
    assert_int_equal(region_create(instance->names.next_routes, routes_size(BUCKETS, units), 0600, (gid_t)-1,
                                   &pair->region),
                     SHM_OK);
    region_unlink(instance->names.next_routes);
    struct routes_header *s_header = pair->region.s_base;
    object_id_format(&s_header->id, ROUTES_MAGIC, &pair->region, 1);
    routes_lay_out(s_header, BUCKETS, units, 1);
    s_header->hash_seed = 7;
    assert_int_equal(routes_attach(&pair->region, &routes), SHM_OK);
    publisher_init(&pair->to, &routes, 0, 1000);
    const struct copying_plan plan = {
        .source = &pair->source, .same_writer = true, .now = clock_tick(), .dropped = &pair->dropped};
    assert_int_equal(copying_begin(&pair->copying, &plan), SHM_OK);
}

static void close_pair(struct pair *pair)
{
    copying_free(&pair->copying);
    publisher_free(&pair->to);
    region_close(&pair->region);
    region_close(&pair->source_region);
}

static uint32_t count_in(const struct pair *pair, uint64_t key)
{
    struct table table;
    uint32_t slot = index_find(&pair->to.routes, numbered_key(key));
    if (slot == SLOT_NONE || table_begin(&pair->to.routes, slot, numbered_key(key), &table) != SHM_OK)
        return UINT32_MAX;
    return table.count;
}

static uint32_t slot_of(const struct pair *pair, uint64_t key)
{
    return index_find(&pair->source, numbered_key(key));
}

static void put_keys(struct instance *instance)
{
    for (uint64_t key = 1; key <= KEYS; key++)
        instance_put(instance, key, 1, 4, 15);
    assert_int_equal(put_by_key(instance->writer, numbered_key(EXPIRED), NULL, 0, NULL, 1, 1), SHM_OK);
}

static void each_part_ends_when_its_work_is_done(void **state)
{
    struct instance *instance = *state;
    struct pair pair;
    put_keys(instance);
    open_pair(instance, &pair, UNITS);
    const uint32_t slots = pair.copying.due.slots;
    uint32_t parts = 0;
    while (pair.copying.due.count) {
        uint32_t keys = pair.to.keys, due = pair.copying.due.count;
        assert_int_equal(copying_continue(&pair.copying, &pair.to, 10), SHM_OK);
        assert_in_range(due - pair.copying.due.count, 1, 10);
        assert_in_range(pair.to.keys - keys, 0, 5);
        parts++;
    }
    assert_in_range(parts, (slots + KEYS) / 11, (slots + KEYS) / 9);
    for (uint64_t key = 1; key <= KEYS; key++)
        assert_int_equal(count_in(&pair, key), 4);
    close_pair(&pair);
}

static void a_route_that_changes_is_copied_again_in_the_same_memory(void **state)
{
    struct instance *instance = *state;
    struct pair pair;
    put_keys(instance);
    open_pair(instance, &pair, UNITS);
    assert_int_equal(copying_continue(&pair.copying, &pair.to, UINT64_MAX), SHM_OK);
    const uint32_t live = pair.to.arena.live, fresh = pair.to.arena.fresh;
    for (uint32_t count = 0; count < 100; count++) {
        instance_put(instance, 7, 2, count % 5, 600);
        slot_set_add(&pair.copying.due, slot_of(&pair, 7));
        assert_int_equal(copying_continue(&pair.copying, &pair.to, UINT64_MAX), SHM_OK);
        assert_int_equal(count_in(&pair, 7), count % 5);
        assert_int_equal(pair.to.negative, count % 5 == 0);
    }
    assert_int_equal(pair.to.arena.live, live);
    assert_int_equal(pair.to.arena.fresh, fresh);
    assert_int_equal(pair.to.keys, KEYS);
    copying_finish(&pair.copying, &pair.to);
    assert_int_equal(pair.to.version, load_relaxed(&pair.source.s_header->version));
    close_pair(&pair);
}

/* A route that remembers a ref would take what is left for its table. */
static void g3_no_ref_leads_to_a_copy_that_was_replaced(void **state)
{
    struct instance *instance = *state;
    struct pair pair;
    struct table table;
    put_keys(instance);
    open_pair(instance, &pair, UNITS);
    assert_int_equal(copying_continue(&pair.copying, &pair.to, UINT64_MAX), SHM_OK);
    const uint64_t ref =
        load_relaxed(&routes_slot(&pair.to.routes, index_find(&pair.to.routes, numbered_key(7)))->ref);
    assert_true(table_at(&pair.to.routes, ref, numbered_key(7), &table));
    instance_put(instance, 7, 2, 20, 15);
    slot_set_add(&pair.copying.due, slot_of(&pair, 7));
    assert_int_equal(copying_continue(&pair.copying, &pair.to, UINT64_MAX), SHM_OK);
    assert_int_equal(count_in(&pair, 7), 20);
    assert_false(table_at(&pair.to.routes, ref, numbered_key(7), &table));
    close_pair(&pair);
}

/* One that was copied before it expired stays: keys are not removed. */
static void what_has_expired_is_left_out_and_named(void **state)
{
    struct instance *instance = *state;
    struct pair pair;
    put_keys(instance);
    open_pair(instance, &pair, UNITS);
    assert_int_equal(copying_continue(&pair.copying, &pair.to, UINT64_MAX), SHM_OK);
    assert_int_equal(count_in(&pair, EXPIRED), UINT32_MAX);
    assert_true(key_sketch_may_have(&pair.dropped, numbered_key(EXPIRED)));
    assert_false(key_sketch_may_have(&pair.dropped, numbered_key(1)));
    assert_int_equal(put_by_key(instance->writer, numbered_key(1), NULL, 0, NULL, 1, 1), SHM_OK);
    slot_set_add(&pair.copying.due, slot_of(&pair, 1));
    assert_int_equal(copying_continue(&pair.copying, &pair.to, UINT64_MAX), SHM_OK);
    assert_int_equal(count_in(&pair, 1), 0);
    close_pair(&pair);
}

static void tables_that_do_not_fit_are_said(void **state)
{
    struct instance *instance = *state;
    struct pair pair;
    put_keys(instance);
    open_pair(instance, &pair, KEYS - 1);
    assert_int_equal(copying_continue(&pair.copying, &pair.to, UINT64_MAX), SHM_FULL);
    close_pair(&pair);
}

static void damaged_tables_are_left_out_and_counted(void **state)
{
    struct instance *instance = *state;
    struct pair pair;
    put_keys(instance);
    instance_stop(instance);
    open_pair(instance, &pair, UNITS);
    uint64_t ref = load_relaxed(&routes_slot(&pair.source, slot_of(&pair, 9))->ref);
    store_relaxed(&routes_block(&pair.source, ref_unit(ref))->stamp, ref + 1);
    assert_int_equal(copying_continue(&pair.copying, &pair.to, UINT64_MAX), SHM_OK);
    assert_int_equal(pair.copying.damaged, 1);
    assert_int_equal(pair.to.keys, KEYS - 1);
    assert_int_equal(count_in(&pair, 9), UINT32_MAX);
    close_pair(&pair);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(each_part_ends_when_its_work_is_done),
        TEST(a_route_that_changes_is_copied_again_in_the_same_memory),
        TEST(g3_no_ref_leads_to_a_copy_that_was_replaced),
        TEST(what_has_expired_is_left_out_and_named),
        TEST(tables_that_do_not_fit_are_said),
        TEST(damaged_tables_are_left_out_and_counted),
    };
    return cmocka_run_group_tests_name("unit/shm/writer/copying", tests, NULL, NULL);
}
