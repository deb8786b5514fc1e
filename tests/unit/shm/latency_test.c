/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "shm/latency.h"

static struct routes_header header;

static int clear_header(void **state)
{
    (void)state;
    memset(&header, 0, sizeof(header));
    return 0;
}

static void bounds_grow(void **state)
{
    (void)state;
    for (int i = 1; i < LATENCY_BUCKETS - 1; i++)
        assert_true(latency_bounds_us[i] > latency_bounds_us[i - 1]);
}

static void each_answer_is_in_the_bucket_of_its_time_and_all_are_in_the_sum(void **state)
{
    (void)state;
    struct latency latency;
    for (int i = 0; i < LATENCY_BUCKETS - 1; i++)
        latency_add(&header, latency_bounds_us[i]);
    latency_add(&header, 0);
    latency_add(&header, 101);
    latency_add(&header, 1000001);
    latency_add(&header, 3600000000);
    latency_read(&header, &latency);
    uint64_t sum = 0 + 101 + 1000001 + UINT64_C(3600000000);
    for (int i = 0; i < LATENCY_BUCKETS - 1; i++) {
        sum += latency_bounds_us[i];
        assert_int_equal(latency.counts[i], i < 2 ? 2 : 1);
    }
    assert_int_equal(latency.counts[LATENCY_BUCKETS - 1], 2);
    assert_int_equal(latency.sum_us, sum);
}

static void totals_are_carried_to_another_header(void **state)
{
    (void)state;
    static struct routes_header copy;
    struct latency before, after;
    latency_add(&header, 7);
    latency_add(&header, 70000);
    latency_copy(&copy, &header);
    latency_read(&header, &before);
    latency_read(&copy, &after);
    assert_memory_equal(&after, &before, sizeof(before));
    assert_int_equal(after.sum_us, 70007);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_grow),
        cmocka_unit_test_setup(each_answer_is_in_the_bucket_of_its_time_and_all_are_in_the_sum, clear_header),
        cmocka_unit_test_setup(totals_are_carried_to_another_header, clear_header),
    };
    return cmocka_run_group_tests_name("unit/shm/latency", tests, NULL, NULL);
}
