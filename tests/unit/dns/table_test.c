/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tools/dns/table.h"

static struct row row(uint32_t modid, uint32_t ip)
{
    return (struct row){{modid, 1}, {htonl(ip), htons(80)}};
}

static void add(struct table *table, uint32_t modid, uint32_t ip)
{
    const struct row added = row(modid, ip);
    assert_true(table_add(table, &added));
}

static size_t count_of(const struct table *table, uint32_t modid)
{
    size_t count;
    table_find(table, route_key(modid, 1), &count);
    return count;
}

static void rows_in_any_order_are_found_by_key_in_order_and_once(void **state)
{
    (void)state;
    struct table table = {0};
    for (uint32_t i = 0; i < 5000; i++)
        add(&table, (i * 7919) % 500, i * 7919 % 5000);
    add(&table, 3, 3);
    table_sort(&table);
    assert_int_equal(table.count, 5000);
    assert_int_equal(table_routes(&table), 500);
    for (uint32_t modid = 0; modid < 500; modid++) {
        size_t count;
        const struct row *rows = table_find(&table, route_key(modid, 1), &count);
        assert_int_equal(count, 10);
        for (size_t i = 1; i < count; i++)
            assert_true(row_compare(&rows[i - 1], &rows[i]) < 0);
    }
    assert_int_equal(count_of(&table, 500), 0);
    assert_int_equal(table.capacity, table.count);
    table_free(&table);
    table_sort(&table);
    assert_int_equal(count_of(&table, 0), 0);
    table_free(&table);
}

static void rows_that_another_table_lacks_are_found_in_order(void **state)
{
    (void)state;
    struct table some = {0}, others = {0}, missing = {0};
    for (uint32_t i = 1; i <= 6; i++)
        add(&some, i, i);
    add(&others, 0, 1);
    add(&others, 2, 2);
    add(&others, 5, 9);
    add(&others, 6, 6);
    table_sort(&some);
    table_sort(&others);
    assert_true(table_missing(&some, &others, &missing));
    assert_int_equal(missing.count, 4);
    const uint32_t expected[] = {1, 3, 4, 5};
    for (size_t i = 0; i < missing.count; i++)
        assert_int_equal(missing.rows[i].key.modid, expected[i]);
    table_free(&missing);
    assert_true(table_missing(&some, &some, &missing));
    assert_int_equal(missing.count, 0);
    table_free(&some);
    table_free(&others);
    table_free(&missing);
}

struct named {
    uint32_t modids[8];
    size_t count;
};

static void name(void *arg, struct route_key key)
{
    struct named *named = arg;
    assert_true(named->count < 8);
    named->modids[named->count++] = key.modid;
}

static void a_comparison_names_each_route_that_differs_once(void **state)
{
    (void)state;
    struct table before = {0}, after = {0};
    struct named named = {0};
    add(&before, 1, 1), add(&before, 2, 1), add(&before, 2, 2), add(&before, 3, 1), add(&before, 9, 9);
    add(&after, 0, 5), add(&after, 1, 1), add(&after, 2, 1), add(&after, 2, 3), add(&after, 9, 8),
        add(&after, 9, 9);
    table_sort(&before);
    table_sort(&after);
    table_compare(&before, &after, name, &named);
    assert_int_equal(named.count, 4);
    const uint32_t expected[] = {0, 2, 3, 9};
    assert_memory_equal(named.modids, expected, sizeof(expected));
    named.count = 0;
    table_compare(&after, &after, name, &named);
    assert_int_equal(named.count, 0);
    table_free(&before);
    table_free(&after);
}

/* Against a table that is made from the rows themselves. */
static void a_patched_table_is_what_a_new_reading_would_be(void **state)
{
    (void)state;
    for (unsigned trial = 1; trial <= 200; trial++) {
        struct table before = {0}, rows = {0}, patched = {0}, expected = {0};
        struct route_key keys[20];
        struct named named = {0};
        size_t key_count = 0;
        unsigned random = trial;
        for (uint32_t modid = 0; modid < 20; modid++) {
            bool changes = rand_r(&random) % 3 == 0;
            for (uint32_t ip = 1; ip < 4; ip++) {
                if (rand_r(&random) % 2)
                    add(&before, modid, ip), changes ? (void)0 : add(&expected, modid, ip);
                if (changes && rand_r(&random) % 2)
                    add(&rows, modid, ip), add(&expected, modid, ip);
            }
            if (changes)
                keys[key_count++] = route_key(modid, 1);
        }
        table_sort(&before), table_sort(&rows), table_sort(&expected);
        assert_true(table_patch(&before, keys, key_count, &rows, &patched));
        table_compare(&patched, &expected, name, &named);
        assert_int_equal(named.count, 0);
        assert_int_equal(patched.count, expected.count);
        table_free(&before), table_free(&rows), table_free(&patched), table_free(&expected);
    }
}

static void a_table_without_rows_is_searched_compared_and_patched(void **state)
{
    (void)state;
    const struct table empty = {0};
    const struct route_key key = {1, 2};
    struct table patched;
    size_t count;
    assert_null(table_find(&empty, key, &count));
    assert_int_equal(count, 0);
    table_compare(&empty, &empty, name, NULL);
    assert_true(table_patch(&empty, &key, 1, &empty, &patched));
    assert_int_equal(patched.count, 0);
    table_free(&patched);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_that_another_table_lacks_are_found_in_order),
        cmocka_unit_test(rows_in_any_order_are_found_by_key_in_order_and_once),
        cmocka_unit_test(a_comparison_names_each_route_that_differs_once),
        cmocka_unit_test(a_patched_table_is_what_a_new_reading_would_be),
        cmocka_unit_test(a_table_without_rows_is_searched_compared_and_patched),
    };
    return cmocka_run_group_tests_name("unit/dns/table", tests, NULL, NULL);
}
