/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/atomic.h"
#include "shm/changes.h"
#include "shm/object_id.h"
#include "shm/writer/changes.h"

enum {
    REMEMBERED = RING_ENTRIES - 1,
    BURST = 1000, /* changes that a thread makes while another one lists them */
    PAUSE_EVERY = 5000,
    LISTED = 50000, /* the test ends after so many */
    OVERRUNS = 5,
};

static struct region region;
static struct routes routes;

static int setup(void **state)
{
    region.size = routes_size(1, 1);
    region.s_base = aligned_alloc(CACHE_LINE, region.size);
    if (!region.s_base)
        return -1;
    memset(region.s_base, 0, region.size);
    struct routes_header *s_header = region.s_base;
    object_id_format(&s_header->id, ROUTES_MAGIC, &region, 1);
    routes_lay_out(s_header, 1, 1, 1);
    changes_start(s_header, 12345);
    *state = &routes;
    return routes_attach(&region, &routes) == SHM_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    free(region.s_base);
    return 0;
}

/* Each change is of the route whose key is the low half of its number. */
static struct route_key key_of(uint64_t number)
{
    return route_key(7, (uint32_t)number);
}

static void change(uint32_t times)
{
    for (uint32_t i = 0; i < times; i++) {
        changes_begin(&routes, key_of(changes_count(&routes)));
        changes_end(&routes);
    }
}

static void expect_listed(uint64_t *position, uint32_t times)
{
    for (uint32_t i = 0; i < times; i++) {
        uint64_t number = *position;
        struct route_key key;
        assert_int_equal(changes_next(&routes, position, &key), SHM_OK);
        assert_true(route_key_equal(key, key_of(number)));
        assert_true(*position == number + 1);
    }
}

static void expect(uint64_t *position, enum shm_status status)
{
    struct route_key key;
    assert_int_equal(changes_next(&routes, position, &key), status);
    assert_true(*position == changes_count(&routes));
}

static void changes_are_listed_in_their_order_and_then_end(void **state)
{
    uint64_t position = changes_count(&routes);
    (void)state;
    expect(&position, SHM_END);
    for (uint32_t times = 1; times <= 3; times++) {
        change(times);
        expect_listed(&position, times);
        expect(&position, SHM_END);
    }
}

static void g13_more_changes_than_are_remembered_are_told_as_overrun(void **state)
{
    uint64_t first = changes_count(&routes), position = first;
    (void)state;
    change(REMEMBERED);
    expect_listed(&position, REMEMBERED);
    expect(&position, SHM_END);
    position = first;
    change(1);
    expect(&position, SHM_OVERRUN);
    expect(&position, SHM_END);
    change(3 * RING_ENTRIES);
    expect(&position, SHM_OVERRUN);
}

static void position_that_the_ring_has_never_had_is_overrun(void **state)
{
    const uint64_t wrong[] = {0, 1, changes_count(&routes) + 10, UINT64_MAX};
    (void)state;
    change(3);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        uint64_t position = wrong[i];
        expect(&position, SHM_OVERRUN);
    }
}

static void change_under_way_is_not_listed(void **state)
{
    uint64_t position = changes_count(&routes), first = position;
    (void)state;
    changes_begin(&routes, key_of(position));
    expect(&position, SHM_END);
    changes_end(&routes);
    expect_listed(&position, 1);
    /* Its entry is that of the oldest one that is remembered otherwise. */
    change(REMEMBERED - 1);
    changes_begin(&routes, key_of(changes_count(&routes)));
    expect_listed(&first, REMEMBERED);
}

static void entries_that_are_empty_are_passed_over(void **state)
{
    uint64_t position = changes_count(&routes);
    (void)state;
    for (int i = 0; i < 10; i++)
        changes_end(&routes);
    expect(&position, SHM_END);
    changes_end(&routes);
    change(1);
    ++position;
    expect_listed(&position, 1);
}

static void any_count_in_a_damaged_header_ends_in_bounded_time(void **state)
{
    static const uint64_t counts[] = {0, 1, REMEMBERED, RING_ENTRIES, UINT64_MAX - 1, UINT64_MAX};
    struct route_key key;
    (void)state;
    for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
        for (size_t j = 0; j < sizeof(counts) / sizeof(*counts); j++) {
            uint64_t position = counts[j];
            store_relaxed(&routes.s_header->changes, counts[i]);
            assert_int_not_equal(changes_next(&routes, &position, &key), SHM_OK);
        }
}

static _Atomic bool enough;

static void *go_on_changing(void *context)
{
    while (!enough) {
        change(BURST);
        sched_yield();
    }
    return context;
}

/* Every change is listed as itself, or told as overrun: also to a reader that stands still at times. */
static void g13_no_change_is_missed_by_a_reader_that_is_stopped_at_times(void **state)
{
    uint64_t position = changes_count(&routes);
    uint32_t listed = 0, overruns = 0;
    pthread_t writer;
    (void)state;
    enough = false;
    assert_int_equal(pthread_create(&writer, NULL, go_on_changing, NULL), 0);
    while (listed < LISTED || overruns < OVERRUNS) {
        uint64_t before = position;
        struct route_key key = {0};
        switch (changes_next(&routes, &position, &key)) {
        case SHM_OK:
            assert_true(position == before + 1 && route_key_equal(key, key_of(before)));
            if (++listed % PAUSE_EVERY == 0)
                usleep(1000);
            break;
        case SHM_OVERRUN:
            assert_true(position - before > REMEMBERED);
            overruns++;
            break;
        default:
            assert_true(position == before);
        }
    }
    enough = true;
    pthread_join(writer, NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(changes_are_listed_in_their_order_and_then_end),
        TEST(g13_more_changes_than_are_remembered_are_told_as_overrun),
        TEST(position_that_the_ring_has_never_had_is_overrun),
        TEST(change_under_way_is_not_listed),
        TEST(entries_that_are_empty_are_passed_over),
        TEST(any_count_in_a_damaged_header_ends_in_bounded_time),
        TEST(g13_no_change_is_missed_by_a_reader_that_is_stopped_at_times),
    };
    return cmocka_run_group_tests_name("unit/shm/changes", tests, NULL, NULL);
}
