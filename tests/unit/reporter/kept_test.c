/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/reporter/kept.h"

enum {
    MANY = 100000,
};

static const struct status status_a = {
    .route = {.modid = 1, .cmdid = 2},
    .host = {.address = 0x01000001, .port = 0x5000},
    .caller = 7,
    .failures = 3,
};

static void keep(struct kept *kept, struct status status)
{
    assert_true(kept_add(kept, &status, SIZE_MAX));
}

static struct status of_number(uint32_t number)
{
    struct status status = status_a;
    status.route = (struct route_key){number % 1000, number / 1000};
    status.successes = number;
    return status;
}

static void newest_of_a_key_is_kept(void **state)
{
    struct kept kept = {0};
    struct status status = status_a;
    (void)state;
    for (uint32_t i = 0; i < 10; i++) {
        status.failures = i;
        status.overloaded = i % 2;
        keep(&kept, status);
    }
    assert_int_equal(kept.count, 1);
    assert_int_equal(kept.rows[0].failures, 9);
    assert_true(kept.rows[0].overloaded);
    kept_free(&kept);
}

static void each_part_of_the_key_distinguishes(void **state)
{
    struct kept kept = {0};
    struct status others[5] = {status_a, status_a, status_a, status_a, status_a};
    (void)state;
    others[0].route.modid++;
    others[1].route.cmdid++;
    others[2].host.address++;
    others[3].host.port++;
    others[4].caller++;
    keep(&kept, status_a);
    for (int i = 0; i < 5; i++)
        keep(&kept, others[i]);
    assert_int_equal(kept.count, 6);
    kept_free(&kept);
}

static void all_of_many_are_kept_and_found_again(void **state)
{
    struct kept kept = {0};
    (void)state;
    for (uint32_t i = 0; i < MANY; i++)
        keep(&kept, of_number(i));
    assert_int_equal(kept.count, MANY);
    for (uint32_t i = 0; i < MANY; i++) {
        struct status status = of_number(i);
        status.successes = MANY + i;
        keep(&kept, status);
    }
    assert_int_equal(kept.count, MANY);
    for (uint32_t i = 0; i < MANY; i++)
        assert_int_equal(kept.rows[i].successes, MANY + i);
    kept_free(&kept);
}

static void full_one_refuses_new_keys_and_takes_known_ones(void **state)
{
    struct kept kept = {0};
    (void)state;
    for (uint32_t i = 0; i < 300; i++) {
        struct status status = of_number(i);
        assert_int_equal(kept_add(&kept, &status, 200), i < 200);
    }
    struct status status = of_number(7);
    status.failures = 77;
    assert_true(kept_add(&kept, &status, 200));
    assert_int_equal(kept.count, 200);
    assert_int_equal(kept.rows[7].failures, 77);
    kept_free(&kept);
    assert_true(kept_add(&kept, &status, 200));
    assert_false(kept_add(&kept, &status_a, 0));
    kept_free(&kept);
}

static void sorted_ones_are_in_the_order_of_the_table(void **state)
{
    struct kept kept = {0};
    struct status status = status_a;
    (void)state;
    kept_sort(&kept);
    const struct route_key routes[] = {{4294967295, 0}, {2, 4294967295}, {2, 0}};
    for (int i = 0; i < 3; i++) {
        status.route = routes[i];
        keep(&kept, status);
    }
    status.host.address = htonl(0x00000102);
    keep(&kept, status);
    status.caller = 0;
    keep(&kept, status);
    kept_sort(&kept);
    assert_int_equal(kept.rows[0].host.address, htonl(0x00000102));
    assert_int_equal(kept.rows[0].caller, 0);
    assert_int_equal(kept.rows[1].caller, 7);
    assert_int_equal(kept.rows[2].host.address, status_a.host.address);
    assert_int_equal(kept.rows[3].route.cmdid, 4294967295);
    assert_int_equal(kept.rows[4].route.modid, 4294967295);
    kept_free(&kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newest_of_a_key_is_kept),
        cmocka_unit_test(each_part_of_the_key_distinguishes),
        cmocka_unit_test(all_of_many_are_kept_and_found_again),
        cmocka_unit_test(full_one_refuses_new_keys_and_takes_known_ones),
        cmocka_unit_test(sorted_ones_are_in_the_order_of_the_table),
    };
    return cmocka_run_group_tests_name("unit/reporter/kept", tests, NULL, NULL);
}
