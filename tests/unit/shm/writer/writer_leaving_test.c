/* SPDX-License-Identifier: MIT */
#include "shm/clock.h"
#include "shm/writer/writer_internal.h"
#include "tests/support/by_key.h"
#include "tests/support/instance.h"
#include "tests/support/keys.h"

enum {
    TTL_S = 600,
    BIG = 10000, /* hosts */
};

static struct route_ref find(const struct instance *instance, uint64_t key)
{
    return writer_find(instance->writer, numbered_key(key));
}

static bool is_here(const struct instance *instance, uint64_t key)
{
    const struct route_ref route = find(instance, key);
    return route_ref_is_here(&route);
}

static void leave(const struct instance *instance, uint64_t key)
{
    const struct route_ref route = find(instance, key);
    assert_true(writer_leave(instance->writer, &route));
    assert_true(writer_is_leaving(instance->writer, route.slot));
}

static void stay(const struct instance *instance, uint64_t key)
{
    writer_stay(instance->writer, find(instance, key).slot);
}

/* What the fetcher does in a second. */
static void pass(struct instance *instance, uint64_t now)
{
    assert_int_equal(writer_maintain(instance->writer, now), SHM_OK);
    while (writer_grow_on(instance->writer, now))
        continue;
}

static void route_that_leaves_is_served_until_a_generation_without_it(void **state)
{
    struct instance *instance = *state;
    uint64_t now = clock_tick();
    instance_put_keys(instance, 3, 1);
    leave(instance, 2);
    pass(instance, now);
    instance_expect_keys(instance, 3, 1);
    assert_int_equal(writer_leave_soon(instance->writer, now), 0);
    pass(instance, now);
    assert_true(is_here(instance, 1) && is_here(instance, 3));
    assert_false(is_here(instance, 2));
    assert_true(writer_may_have_dropped(instance->writer, numbered_key(2)));
    assert_int_equal(writer_counter(instance->writer, COUNTER_routes), 2);
    assert_int_equal(writer_staying_keys(instance->writer), 2);
    instance_put(instance, 2, 2, 4, TTL_S);
    assert_false(writer_is_leaving(instance->writer, find(instance, 2).slot));
}

static void route_that_stays_after_all_is_in_the_next_generation(void **state)
{
    struct instance *instance = *state;
    instance_put(instance, 1, 1, 4, TTL_S);
    instance_put(instance, 2, 1, 4, TTL_S);
    leave(instance, 1);
    leave(instance, 2);
    leave(instance, 2);
    stay(instance, 2);
    stay(instance, 2);
    assert_int_equal(writer_staying_keys(instance->writer), 1);
    assert_int_equal(writer_staying_units(instance->writer), block_units(4));
    writer_leave_soon(instance->writer, clock_tick());
    pass(instance, clock_tick());
    assert_false(is_here(instance, 1));
    assert_true(is_here(instance, 2));
}

/* As when a push comes for it. */
static void table_that_changes_meanwhile_is_served_and_its_units_are_counted(void **state)
{
    struct instance *instance = *state;
    instance_put(instance, 1, 1, 4, TTL_S);
    instance_put(instance, 2, 1, 4, TTL_S);
    leave(instance, 2);
    instance_put(instance, 2, 2, 400, TTL_S);
    assert_int_equal(writer_staying_units(instance->writer), block_units(4));
    const struct route_ref route = find(instance, 2);
    assert_int_equal(route_ref_count(&route), 400);
    instance_renew(instance);
    assert_false(is_here(instance, 2));
    assert_int_equal(writer_staying_units(instance->writer), block_units(4));
}

static void g10_generations_for_routes_that_leave_are_ten_seconds_apart(void **state)
{
    struct instance *instance = *state;
    uint64_t now = clock_tick(), generation;
    for (uint64_t key = 1; key <= 2; key++)
        instance_put(instance, key, 1, 4, TTL_S);
    leave(instance, 1);
    writer_leave_soon(instance->writer, now);
    pass(instance, now);
    generation = writer_generation(instance->writer);
    leave(instance, 2);
    assert_int_equal(writer_leave_soon(instance->writer, now + 1000), LEAVING_MS - 1000);
    pass(instance, now + LEAVING_MS - 1);
    assert_int_equal(writer_generation(instance->writer), generation);
    pass(instance, now + LEAVING_MS);
    assert_int_not_equal(writer_generation(instance->writer), generation);
    assert_false(is_here(instance, 2));
}

static void object_becomes_smaller_by_itself_when_that_halves_it(void **state)
{
    enum {
        KEYS = 8000,
        FEW = KEYS / 4,
    };
    struct instance *instance = *state;
    instance->options.max_unknown = KEYS;
    instance_stop(instance);
    instance_start(instance);
    instance_put_keys(instance, KEYS, 1);
    uint64_t generation = writer_generation(instance->writer),
             size = instance->writer->now.routes_region.size;
    for (uint64_t key = FEW + 1; key <= KEYS - FEW; key++)
        leave(instance, key);
    pass(instance, clock_tick());
    assert_int_equal(writer_generation(instance->writer), generation);
    for (uint64_t key = KEYS - FEW + 1; key <= KEYS; key++)
        leave(instance, key);
    pass(instance, clock_tick());
    assert_true(instance->writer->now.routes_region.size <= size / 2);
    instance_expect_keys(instance, FEW, 1);
}

static void new_routes_get_the_room_of_those_that_leave_at_the_limit(void **state)
{
    struct instance *instance = *state;
    static struct host_addr hosts[BIG];
    uint64_t key = 0, now = clock_tick();
    do
        self_checking_hosts(++key, 1, BIG, hosts);
    while (put_by_key(instance->writer, numbered_key(key), hosts, BIG, NULL, TTL_S, now) == SHM_OK);
    leave(instance, 1);
    leave(instance, 2);
    assert_int_equal(put_by_key(instance->writer, numbered_key(key), hosts, BIG, NULL, TTL_S, now + 60000),
                     SHM_OK);
    assert_false(is_here(instance, 1));
    assert_true(is_here(instance, 3) && is_here(instance, key));
}

static void uses_go_with_their_routes_to_larger_generations(void **state)
{
    enum {
        KEYS = 8000
    };
    struct instance *instance = *state;
    instance->options.max_unknown = KEYS;
    instance_stop(instance);
    instance_start(instance);
    assert_true(writer_keep_uses(instance->writer, true));
    for (uint64_t key = 1; key <= KEYS; key++) {
        instance_put(instance, key, 1, 1, TTL_S);
        writer_set_use(instance->writer, find(instance, key).slot, (uint32_t)key);
    }
    assert_true(writer_counter(instance->writer, COUNTER_generations) > 3);
    for (uint64_t key = 1; key <= KEYS; key++)
        assert_int_equal(writer_use(instance->writer, find(instance, key).slot), key);
    assert_true(writer_keep_uses(instance->writer, false));
    assert_false(writer_has_uses(instance->writer));
    instance_renew(instance);
    assert_false(writer_has_uses(instance->writer));
}

static void table_that_is_made_to_expire_is_as_old_as_it_was(void **state)
{
    struct instance *instance = *state;
    uint64_t now = clock_tick();
    instance_put(instance, 1, 1, 4, TTL_S);
    struct route_ref route = find(instance, 1);
    uint64_t fetched = table_fetched(&route.table);
    assert_false(route_ref_is_expired(&route, now + 5000));
    writer_expire(instance->writer, &route, now + 5000);
    assert_true(route_ref_is_expired(&route, now + 5001));
    route = find(instance, 1);
    assert_int_equal(table_fetched(&route.table), fetched);
    uint64_t expires = route_ref_expires(&route);
    writer_expire(instance->writer, &route, now + 50000);
    assert_int_equal(route_ref_expires(&route), expires);
    instance_put(instance, 1, 1, 4, TTL_S);
    route = find(instance, 1);
    assert_false(route_ref_is_expired(&route, now + 5001));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, instance_setup, instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(route_that_leaves_is_served_until_a_generation_without_it),
        TEST(route_that_stays_after_all_is_in_the_next_generation),
        TEST(table_that_changes_meanwhile_is_served_and_its_units_are_counted),
        TEST(g10_generations_for_routes_that_leave_are_ten_seconds_apart),
        TEST(object_becomes_smaller_by_itself_when_that_halves_it),
        TEST(new_routes_get_the_room_of_those_that_leave_at_the_limit),
        TEST(uses_go_with_their_routes_to_larger_generations),
        TEST(table_that_is_made_to_expire_is_as_old_as_it_was),
    };
    return cmocka_run_group_tests_name("unit/shm/writer/writer_leaving", tests, NULL, NULL);
}
