/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "shm/atomic.h"
#include "shm/reader/use_sample.h"
#include "shm/writer/collect.h"
#include "tests/unit/shm/calls.h"

enum {
    ROUTES = 50, /* more than a thread has cells */
    POLLS = 4000,
    SAMPLES = 100, /* between two polls */
    TOGETHER = ROUTES * (ROUTES + 1) / 2,
};

static uint32_t dice(void)
{
    return (uint32_t)random() << 16 ^ (uint32_t)random();
}

static uint64_t sum_of(const struct route_use *uses, size_t count, uint64_t number)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += route_key_equal(uses[i].key, numbered_key(number)) ? uses[i].lookups : 0;
    return sum;
}

static void samples_of_a_route_add_up_until_they_are_collected(void **state)
{
    struct calls calls;
    struct route_use uses[USE_CELLS];
    (void)state;
    calls_begin(&calls, 1);
    for (int round = 0; round < 3; round++) {
        for (uint32_t thread = 0; thread < 100; thread++) {
            use_sample_add(&calls.control, thread, numbered_key(5), 3, dice());
            use_sample_add(&calls.control, thread, numbered_key(0), 4, dice());
        }
        size_t count = collect_uses(&calls.control, uses);
        assert_int_equal(sum_of(uses, count, 5), 300);
        assert_int_equal(sum_of(uses, count, 0), 400);
        assert_int_equal(collect_uses(&calls.control, uses), 0);
    }
    calls_end(&calls);
}

/* Route n gets n parts of all samples. The bound is five times what chance makes of the least of those that are looked at. */
static void routes_that_share_cells_get_their_shares(void **state)
{
    struct calls calls;
    struct route_use uses[USE_CELLS];
    uint64_t all = 0;
    static uint64_t true_sums[ROUTES + 1], sums[ROUTES + 1];
    (void)state;
    srandom(1);
    calls_begin(&calls, 1);
    for (uint32_t i = 0; i < POLLS * SAMPLES; i++) {
        uint32_t left = dice() % TOGETHER, number = 1, lookups = 1 + dice() % 251;
        while (left >= number)
            left -= number++;
        true_sums[number] += lookups;
        all += lookups;
        use_sample_add(&calls.control, 1, numbered_key(number), lookups, dice());
        if (i % SAMPLES == SAMPLES - 1) {
            size_t count = collect_uses(&calls.control, uses);
            for (number = 1; number <= ROUTES; number++)
                sums[number] += sum_of(uses, count, number);
        }
    }
    for (uint32_t number = 1; number <= ROUTES; number++) {
        all -= sums[number];
        if (number >= ROUTES / 5)
            assert_in_range(sums[number], true_sums[number] * 85 / 100, true_sums[number] * 115 / 100);
    }
    assert_int_equal(all, 0); /* none was lost */
    calls_end(&calls);
}

static void threads_side_by_side_write_to_different_lines(void **state)
{
    struct calls calls;
    (void)state;
    calls_begin(&calls, 1);
    for (uint32_t thread = 0; thread < 16; thread++)
        use_sample_add(&calls.control, thread, numbered_key(5), 3, dice());
    uint32_t lines = 0;
    for (uint32_t cell = 0; cell < USE_CELLS; cell += 4) {
        uint32_t used = 0;
        for (uint32_t i = 0; i < 4; i++)
            used += load_relaxed(&calls.control.s_uses[cell + i].lookups) != 0;
        assert_in_range(used, 0, 1);
        lines += used;
    }
    assert_int_equal(lines, 16);
    calls_end(&calls);
}

/* Whatever other clients have written there. */
static void g8_noise_in_cells_is_collected_in_bounds(void **state)
{
    struct calls calls;
    struct route_use uses[USE_CELLS];
    (void)state;
    calls_begin(&calls, 1);
    for (int round = 0; round < 4; round++) {
        for (uint32_t i = 0; i < USE_CELLS; i++) {
            store_relaxed(&calls.control.s_uses[i].key, round % 2 ? 0 : UINT64_MAX - i);
            store_relaxed(&calls.control.s_uses[i].lookups, UINT64_MAX - (uint64_t)round / 2 * 100);
        }
        for (uint32_t i = 0; i < 1000; i++)
            use_sample_add(&calls.control, i, numbered_key(1000 + i % 3), 100, dice());
        size_t count = collect_uses(&calls.control, uses);
        assert_in_range(count, 0, USE_CELLS);
        for (size_t i = 0; i < count; i++) {
            assert_false(route_key_is_none(uses[i].key));
            assert_in_range(uses[i].lookups, 1, UINT64_C(1) << 32);
        }
        assert_int_equal(collect_uses(&calls.control, uses), 0);
    }
    calls_end(&calls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_of_a_route_add_up_until_they_are_collected),
        cmocka_unit_test(routes_that_share_cells_get_their_shares),
        cmocka_unit_test(threads_side_by_side_write_to_different_lines),
        cmocka_unit_test(g8_noise_in_cells_is_collected_in_bounds),
    };
    return cmocka_run_group_tests_name("unit/shm/reader/use_sample", tests, NULL, NULL);
}
