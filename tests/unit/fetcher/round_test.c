/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fetcher/round.h"

enum {
    MACHINES = 10000,
    INTERVAL_MS = 30000,
    PARTS = 300, /* of an interval: tenths of a second */
};

/* As FNV-1a leaves identities that differ in a few characters. */
static uint64_t identity(uint32_t machine)
{
    return UINT64_C(0xcbf29ce484222325) + machine * UINT64_C(0x100000001b3);
}

static void machine_has_one_place_in_each_interval(void **state)
{
    (void)state;
    for (uint32_t machine = 0; machine < 100; machine++) {
        uint64_t first = round_from(123456789, INTERVAL_MS, identity(machine));
        assert_in_range(first, 123456789, 123456789 + INTERVAL_MS - 1);
        assert_int_equal(round_from(first, INTERVAL_MS, identity(machine)), first);
        assert_int_equal(round_from(first + 1, INTERVAL_MS, identity(machine)), first + INTERVAL_MS);
        assert_int_equal(round_from(first - INTERVAL_MS + 1, INTERVAL_MS, identity(machine)), first);
    }
}

static void fleet_is_spread_over_the_interval(void **state)
{
    uint32_t parts[PARTS] = {0};
    (void)state;
    for (uint32_t machine = 0; machine < MACHINES; machine++)
        parts[round_from(0, INTERVAL_MS, identity(machine)) * PARTS / INTERVAL_MS]++;
    for (int i = 0; i < PARTS; i++)
        assert_in_range(parts[i], 1, 2 * MACHINES / PARTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(machine_has_one_place_in_each_interval),
        cmocka_unit_test(fleet_is_spread_over_the_interval),
    };
    return cmocka_run_group_tests_name("unit/fetcher/round", tests, NULL, NULL);
}
