/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "shm/atomic.h"
#include "shm/changes.h"
#include "shm/writer/changes.h"

enum {
    ENTRIES = 8
};

/* A ring of its own, and no other part of an object. */
struct ring {
    struct routes_header header;
    _Atomic uint64_t entries[2 * ENTRIES];
    struct routes routes;
};

static void make(struct ring *ring, uint32_t entries, uint64_t random)
{
    memset(ring, 0, sizeof(*ring));
    ring->routes =
        (struct routes){.s_header = &ring->header, .s_ring = ring->entries, .ring_mask = entries - 1};
    changes_start(&ring->header, random);
}

static void change(struct ring *ring, uint32_t cmdid)
{
    changes_begin(&ring->routes, route_key(1, cmdid));
    changes_end(&ring->routes);
}

static void expect_listed(struct ring *ring, uint64_t *position, uint32_t cmdid)
{
    struct route_key key = {0};
    assert_int_equal(changes_next(&ring->routes, position, &key), SHM_OK);
    assert_true(route_key_equal(key, route_key(1, cmdid)));
}

static void expect(struct ring *ring, uint64_t *position, enum shm_status status)
{
    struct route_key key;
    assert_int_equal(changes_next(&ring->routes, position, &key), status);
}

static void ring_begins_far_from_every_other_and_from_the_end_of_numbers(void **state)
{
    static const uint64_t randoms[] = {0, ENTRIES, UINT64_C(1) << 60, UINT64_MAX};
    (void)state;
    for (size_t i = 0; i < sizeof(randoms) / sizeof(*randoms); i++) {
        struct ring ring;
        make(&ring, ENTRIES, randoms[i]);
        uint64_t count = changes_count(&ring.routes);
        assert_true(count >= UINT64_C(1) << 61 && count < UINT64_C(1) << 62);
        for (size_t j = 0; j < i; j++) {
            struct ring other;
            make(&other, ENTRIES, randoms[j]);
            uint64_t position = changes_count(&other.routes);
            expect(&ring, &position, SHM_OVERRUN);
        }
    }
}

static void positions_go_on_in_a_ring_that_carries_on(void **state)
{
    struct ring from, to;
    (void)state;
    make(&from, ENTRIES, 1);
    make(&to, ENTRIES, 1000 * 1000);
    uint64_t position = changes_count(&from.routes);
    for (uint32_t cmdid = 1; cmdid <= 3; cmdid++)
        change(&from, cmdid);
    expect_listed(&from, &position, 1);
    changes_carry(&to.routes, &from.routes, false);
    change(&to, 4);
    for (uint32_t cmdid = 2; cmdid <= 4; cmdid++)
        expect_listed(&to, &position, cmdid);
    expect(&to, &position, SHM_END);
}

static void change_during_which_a_fetcher_died_is_listed_by_the_next(void **state)
{
    struct ring from, to;
    (void)state;
    make(&from, ENTRIES, 1);
    make(&to, ENTRIES, 1);
    uint64_t position = changes_count(&from.routes);
    change(&from, 1);
    changes_begin(&from.routes, route_key(1, 2));
    changes_carry(&to.routes, &from.routes, true);
    expect_listed(&to, &position, 1);
    expect_listed(&to, &position, 2);
    expect(&to, &position, SHM_END);
}

static void no_position_is_valid_where_the_rings_differ_in_length(void **state)
{
    struct ring from, to;
    (void)state;
    for (uint32_t entries = ENTRIES / 2; entries <= 2 * ENTRIES; entries *= 4) {
        make(&from, ENTRIES, 1);
        make(&to, entries, 1);
        uint64_t position = changes_count(&from.routes), newest;
        change(&from, 1);
        newest = changes_count(&from.routes);
        changes_carry(&to.routes, &from.routes, false);
        expect(&to, &position, SHM_OVERRUN);
        expect(&to, &newest, SHM_OVERRUN);
    }
}

static void damaged_or_missing_ring_is_not_carried_on(void **state)
{
    static const uint64_t wrong[] = {0, 1, UINT64_MAX};
    struct ring from, to;
    (void)state;
    make(&to, ENTRIES, 5);
    uint64_t count = changes_count(&to.routes);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        make(&from, ENTRIES, 1);
        store_relaxed(&from.header.changes, wrong[i]);
        changes_carry(&to.routes, &from.routes, true);
        assert_true(changes_count(&to.routes) == count);
    }
    make(&from, ENTRIES, 1);
    from.routes.s_ring = NULL;
    changes_carry(&to.routes, &from.routes, true);
    assert_true(changes_count(&to.routes) == count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ring_begins_far_from_every_other_and_from_the_end_of_numbers),
        cmocka_unit_test(positions_go_on_in_a_ring_that_carries_on),
        cmocka_unit_test(change_during_which_a_fetcher_died_is_listed_by_the_next),
        cmocka_unit_test(no_position_is_valid_where_the_rings_differ_in_length),
        cmocka_unit_test(damaged_or_missing_ring_is_not_carried_on),
    };
    return cmocka_run_group_tests_name("unit/shm/writer/changes", tests, NULL, NULL);
}
