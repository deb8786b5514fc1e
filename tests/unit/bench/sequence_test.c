/* SPDX-License-Identifier: MIT */
/* How often which route is looked up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tools/bench/sequence.h"

enum {
    ROUTES = 1000
};

static void count(uint32_t *sequence, uint32_t counts[static ROUTES])
{
    assert_non_null(sequence);
    for (uint32_t i = 0; i < SEQUENCE_LENGTH; i++) {
        assert_in_range(sequence[i], 0, ROUTES - 1);
        counts[sequence[i]]++;
    }
    free(sequence);
}

static void test_every_route_comes_as_often_as_any(void **state)
{
    uint32_t counts[ROUTES] = {0};
    (void)state;
    count(sequence_new(ROUTES), counts);
    for (uint32_t i = 0; i < ROUTES; i++)
        assert_in_range(counts[i], SEQUENCE_LENGTH / ROUTES * 4 / 5, SEQUENCE_LENGTH / ROUTES * 6 / 5);
}

/* The first of a thousand is one in 7.7, and the tenth comes a tenth of that, by 10 ^ 0.99. */
static void test_zipf_has_a_few_routes_that_are_most_of_all(void **state)
{
    uint32_t counts[ROUTES] = {0};
    (void)state;
    count(sequence_new_zipf(ROUTES), counts);
    assert_in_range(counts[0], SEQUENCE_LENGTH / 8, SEQUENCE_LENGTH / 7);
    assert_in_range(counts[0] / counts[9], 9, 10);
    assert_in_range(counts[0] / counts[99], 85, 105);
    assert_true(counts[ROUTES - 1] > 0);
}

static void test_one_route_is_all_there_is(void **state)
{
    (void)state;
    uint32_t *sequence = sequence_new_zipf(1);
    assert_non_null(sequence);
    for (uint32_t i = 0; i < SEQUENCE_LENGTH; i++)
        assert_int_equal(sequence[i], 0);
    free(sequence);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_route_comes_as_often_as_any),
        cmocka_unit_test(test_zipf_has_a_few_routes_that_are_most_of_all),
        cmocka_unit_test(test_one_route_is_all_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
