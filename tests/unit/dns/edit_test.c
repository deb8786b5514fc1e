/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/dns/edit.h"

static const struct route_key key = {.modid = 7, .cmdid = 8};

static struct host_addr host(uint32_t number)
{
    return (struct host_addr){htonl(number), htons(80)};
}

static void only_what_differs_at_the_end_is_changed(void **state)
{
    (void)state;
    struct edit edit = {0};
    struct changes changes;
    struct host_addr before[] = {host(1), host(3)};
    struct edited *route = edit_put(&edit, key, before, 2);
    assert_ptr_equal(edit_find(&edit, key), route);
    assert_int_equal(edited_add(route, host(2)), 1);
    assert_int_equal(edited_add(route, host(2)), 0);
    assert_int_equal(edited_delete(route, &before[0]), 1);
    assert_int_equal(edited_delete(route, &before[0]), 0);
    assert_int_equal(edit_changes(&edit, &changes), 0);
    assert_int_equal(changes.route_count, 1);
    assert_int_equal(changes.new_routes, 0);
    assert_int_equal(changes.added_count, 1);
    assert_true(host_addr_equal(changes.added[0].host, host(2)));
    assert_int_equal(changes.deleted_count, 1);
    assert_true(host_addr_equal(changes.deleted[0].host, host(1)));
    changes_free(&changes);

    assert_int_equal(edited_add(route, host(1)), 1);
    assert_int_equal(edited_delete(route, &(struct host_addr){htonl(2), htons(80)}), 1);
    assert_int_equal(edit_changes(&edit, &changes), 0);
    assert_int_equal(changes.route_count, 0);
    changes_free(&changes);
    edit_clear(&edit);
}

static void changes_are_in_order_whatever_the_order_of_the_edit(void **state)
{
    (void)state;
    struct edit edit = {0};
    struct changes changes;
    for (uint32_t i = 100; i > 0; i--) {
        struct edited *route = edit_put(&edit, route_key(i % 10, i), NULL, 0);
        assert_int_equal(edited_add(route, host(i + 1)) + edited_add(route, host(i)), 2);
    }
    assert_int_equal(edit_changes(&edit, &changes), 0);
    assert_int_equal(changes.route_count, 100);
    assert_int_equal(changes.new_routes, 100);
    assert_int_equal(changes.added_count, 200);
    for (size_t i = 1; i < changes.added_count; i++)
        assert_true(row_compare(&changes.added[i - 1], &changes.added[i]) < 0);
    changes_free(&changes);
    edit_clear(&edit);
}

static void a_route_that_is_set_counts_what_is_new_and_what_is_gone(void **state)
{
    (void)state;
    struct edit edit = {0};
    struct host_addr before[] = {host(1), host(2)}, wanted[] = {host(5), host(2), host(5), host(4)};
    struct edited *route = edit_put(&edit, key, before, 2);
    int deleted;
    size_t count = hosts_sort(wanted, 4);
    assert_int_equal(count, 3);
    assert_int_equal(edited_set(route, wanted, count, &deleted), 2);
    assert_int_equal(deleted, 1);
    assert_int_equal(route->now.count, 3);
    assert_int_equal(edited_delete(route, NULL), 3);
    assert_int_equal(route->before.count, 2);
    edit_clear(&edit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_differs_at_the_end_is_changed),
        cmocka_unit_test(changes_are_in_order_whatever_the_order_of_the_edit),
        cmocka_unit_test(a_route_that_is_set_counts_what_is_new_and_what_is_gone),
    };
    return cmocka_run_group_tests_name("unit/dns/edit", tests, NULL, NULL);
}
