/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "shm/writer/use_sums.h"
#include "tests/support/keys.h"

enum {
    ROUTES = 100000, /* a hundred times as many as there are sums */
    SAMPLES = 1000000,
    SAMPLE_MOST = 251,
    MINUTE = 60, /* as often do weights fade */
};

static struct use_sums sums;
static uint64_t counted[ROUTES];

static int clear_sums(void **state)
{
    (void)state;
    memset(&sums, 0, sizeof(sums));
    memset(counted, 0, sizeof(counted));
    srandom(1);
    return 0;
}

static uint64_t below(uint64_t end)
{
    return (((uint64_t)random() << 31) + (uint64_t)random()) % end;
}

/* Route n comes about half as often as route n / 2. */
static uint64_t zipf(void)
{
    uint64_t octave = 1;
    for (uint64_t which = below(16); which > 0; which--)
        octave *= 2;
    return octave + below(octave);
}

static const struct use_sum *set_of(uint64_t number)
{
    return sums.sums[hash_scale(route_key_hash(numbered_key(number), 0), USE_SETS)];
}

static const struct use_sum *sum_of(uint64_t number)
{
    const struct use_sum *set = set_of(number);
    for (int i = 0; i < USE_WAYS; i++)
        if (route_key_equal(set[i].use.key, numbered_key(number)) && set[i].use.lookups)
            return &set[i];
    return NULL;
}

static double least_in_set(uint64_t number)
{
    const struct use_sum *set = set_of(number);
    double least = set[0].weight;
    for (int i = 1; i < USE_WAYS; i++)
        least = set[i].weight < least ? set[i].weight : least;
    return least;
}

static void count(uint64_t number, uint64_t lookups)
{
    counted[number] += lookups;
    use_sums_add(&sums, numbered_key(number), lookups);
}

/* Against exact counts, of a stream of many more routes than there is room for. */
static void each_count_is_within_the_bounds_of_its_sum(void **state)
{
    (void)state;
    uint32_t with_sum = 0;
    for (uint32_t i = 0; i < SAMPLES; i++)
        count(zipf(), 1 + below(SAMPLE_MOST));
    for (uint32_t number = 0; number < ROUTES; number++) {
        const struct use_sum *sum = sum_of(number);
        double true_count = (double)counted[number];
        if (sum) {
            assert_true(sum->weight - sum->error <= true_count);
            assert_true(true_count <= sum->weight);
            assert_true((double)sum->use.lookups == sum->weight - sum->error);
        } else {
            assert_true(true_count <= least_in_set(number));
        }
        with_sum += sum != NULL;
    }
    assert_int_equal(with_sum, USE_SETS * USE_WAYS);
}

static void most_used_routes_come_first_and_none_of_them_is_missed(void **state)
{
    (void)state;
    struct route_use top[TOP_ROUTES];
    for (uint32_t i = 0; i < SAMPLES; i++)
        count(zipf(), 1 + below(SAMPLE_MOST));
    assert_int_equal(use_sums_top(&sums, top), TOP_ROUTES);
    for (uint32_t i = 1; i < TOP_ROUTES; i++)
        assert_true(top[i - 1].lookups >= top[i].lookups);
    for (uint64_t number = 1; number < 32; number++) {
        bool listed = false;
        for (int i = 0; i < TOP_ROUTES; i++)
            if (route_key_equal(top[i].key, numbered_key(number))) {
                assert_in_range(top[i].lookups, counted[number] / 100 * 99, counted[number]);
                listed = true;
            }
        assert_true(listed);
    }
}

static void a_few_routes_are_counted_exactly_route_0_0_too(void **state)
{
    (void)state;
    struct route_use top[TOP_ROUTES];
    assert_int_equal(use_sums_top(&sums, top), 0);
    for (uint64_t number = 0; number < 10; number++)
        for (uint64_t times = 0; times < 10 - number; times++)
            count(number, 7);
    assert_int_equal(use_sums_top(&sums, top), 10);
    for (uint64_t i = 0; i < 10; i++) {
        assert_int_equal(route_key_number(top[i].key), i);
        assert_int_equal(top[i].lookups, 7 * (10 - i));
    }
}

static void what_is_used_now_goes_before_what_was_used_much(void **state)
{
    (void)state;
    struct route_use top[TOP_ROUTES];
    count(1, 1000000);
    for (int second = 0; second < 10 * MINUTE; second++) {
        use_sums_fade(&sums);
        count(2, 100);
    }
    assert_int_equal(use_sums_top(&sums, top), 2);
    assert_int_equal(route_key_number(top[0].key), 2);
    assert_int_equal(top[0].lookups, 10 * MINUTE * 100);
    assert_int_equal(top[1].lookups, 1000000);
}

static void what_is_not_used_any_more_makes_room(void **state)
{
    (void)state;
    struct route_use top[TOP_ROUTES];
    for (uint64_t number = 0; number < 10000; number++)
        count(number, 1000000);
    for (int i = 0; i < 20 * MINUTE; i++)
        use_sums_fade(&sums);
    for (uint64_t number = 20000; number < 20000 + TOP_ROUTES; number++)
        for (int i = 0; i < 10; i++)
            count(number, 1000);
    assert_int_equal(use_sums_top(&sums, top), TOP_ROUTES);
    for (int i = 0; i < TOP_ROUTES; i++) {
        assert_in_range(route_key_number(top[i].key), 20000, 20000 + TOP_ROUTES);
        assert_int_equal(top[i].lookups, 10000);
    }
}

static void a_list_of_another_fetcher_goes_on_growing(void **state)
{
    (void)state;
    const struct route_use list[] = {{numbered_key(5), 5000}, {numbered_key(7), 9000}};
    struct route_use top[TOP_ROUTES];
    use_sums_resume(&sums, list, 2);
    assert_int_equal(use_sums_top(&sums, top), 2);
    assert_memory_equal(top, list, sizeof(list));
    count(6, 100);
    count(7, 10);
    assert_int_equal(use_sums_top(&sums, top), 3);
    assert_int_equal(route_key_number(top[0].key), 6);
    assert_int_equal(top[1].lookups, 9010);
    assert_int_equal(top[2].lookups, 5000);
}

static void no_count_wraps(void **state)
{
    (void)state;
    struct route_use top[TOP_ROUTES];
    for (int i = 0; i < 3; i++)
        use_sums_add(&sums, numbered_key(1), UINT64_MAX / 2);
    use_sums_add(&sums, numbered_key(2), 5);
    assert_int_equal(use_sums_top(&sums, top), 2);
    assert_true(top[0].lookups == UINT64_MAX);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, clear_sums)
    const struct CMUnitTest tests[] = {
        TEST(each_count_is_within_the_bounds_of_its_sum),
        TEST(most_used_routes_come_first_and_none_of_them_is_missed),
        TEST(a_few_routes_are_counted_exactly_route_0_0_too),
        TEST(what_is_used_now_goes_before_what_was_used_much),
        TEST(what_is_not_used_any_more_makes_room),
        TEST(a_list_of_another_fetcher_goes_on_growing),
        TEST(no_count_wraps),
    };
    return cmocka_run_group_tests_name("unit/shm/writer/use_sums", tests, NULL, NULL);
}
