/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "shm/atomic.h"
#include "shm/top_routes.h"

enum {
    LISTS = 10000,
    AT_ONCE = 3, /* fewer than a reader has tries */
};

static struct routes_header header;
static _Atomic uint32_t reads;

static int clear_header(void **state)
{
    (void)state;
    memset(&header, 0, sizeof(header));
    return 0;
}

/* List number `list`: as many routes as it says, all of which carry its number. */
static size_t make_list(struct route_use out[TOP_ROUTES], uint32_t list)
{
    size_t count = list % (TOP_ROUTES + 1);
    for (uint32_t i = 0; i < count; i++)
        out[i] = (struct route_use){route_key(list, i), list};
    return count;
}

static void expect_list(uint32_t list)
{
    struct route_use expected[TOP_ROUTES], read[TOP_ROUTES];
    size_t count = make_list(expected, list);
    assert_int_equal(top_routes_read(&header, read), count);
    assert_memory_equal(read, expected, count * sizeof(*read));
}

static void last_list_is_read(void **state)
{
    (void)state;
    struct route_use list[TOP_ROUTES];
    expect_list(0);
    for (uint32_t i = TOP_ROUTES + 1; i > 0; i--) {
        top_routes_write(&header, list, make_list(list, i));
        expect_list(i);
    }
}

static void of_a_longer_list_the_first_routes_are_kept(void **state)
{
    (void)state;
    struct route_use list[TOP_ROUTES + 8];
    for (uint32_t i = 0; i < TOP_ROUTES + 8; i++)
        list[i] = (struct route_use){route_key(TOP_ROUTES, i), TOP_ROUTES};
    top_routes_write(&header, list, TOP_ROUTES + 8);
    expect_list(TOP_ROUTES);
}

/* A damaged object may have any bytes there. */
static void list_without_an_end_gets_one(void **state)
{
    (void)state;
    struct route_use read[TOP_ROUTES];
    memset(header.top_routes, 1, sizeof(header.top_routes));
    assert_int_equal(top_routes_read(&header, read), TOP_ROUTES);
}

static void *write_lists(void *context)
{
    (void)context;
    struct route_use list[TOP_ROUTES];
    for (uint32_t i = 1; i <= LISTS; i++) {
        uint32_t before = load_relaxed(&reads);
        top_routes_write(&header, list, make_list(list, i));
        while (i % AT_ONCE == 0 && load_relaxed(&reads) == before)
            sched_yield();
    }
    return NULL;
}

static void no_list_is_a_mix_of_two(void **state)
{
    (void)state;
    pthread_t writer;
    struct route_use read[TOP_ROUTES];
    assert_int_equal(pthread_create(&writer, NULL, write_lists, NULL), 0);
    while (load_relaxed(&header.top_changes) < LISTS) { /* the writer waits for no other read than these */
        size_t count = top_routes_read(&header, read);
        add_relaxed(&reads, 1);
        for (uint32_t i = 0; i < count; i++) {
            uint32_t list = (uint32_t)read[0].lookups;
            assert_int_equal(count, list % (TOP_ROUTES + 1));
            assert_int_equal(read[i].lookups, list);
            assert_true(route_key_equal(read[i].key, route_key(list, i)));
        }
    }
    pthread_join(writer, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(last_list_is_read, clear_header),
        cmocka_unit_test_setup(of_a_longer_list_the_first_routes_are_kept, clear_header),
        cmocka_unit_test_setup(list_without_an_end_gets_one, clear_header),
        cmocka_unit_test_setup(no_list_is_a_mix_of_two, clear_header),
    };
    return cmocka_run_group_tests_name("unit/shm/top_routes", tests, NULL, NULL);
}
