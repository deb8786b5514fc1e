/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shm/clock.h"
#include "shm/expiry.h"

enum {
    TTL_S = 15,
    TTL_MS = TTL_S * 1000,
    LEAST_MS = TTL_MS * 7 / 10,
    TENTHS = (TTL_MS - LEAST_MS) / 100,
    MACHINES = 2000,
    ROUTES = 100,
    PERIODS = 8,
};

static const uint64_t start = TICK_ORIGIN + 123456789;

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 16;
}

static void table_is_refreshed_between_seven_tenths_of_update_timeout_and_all_of_it(void **state)
{
    (void)state;
    static const uint32_t ttls[] = {0, 1, 2, 15, 3600, UINT16_MAX};
    for (unsigned i = 0; i < sizeof(ttls) / sizeof(*ttls); i++)
        for (uint32_t n = 0; n < 1000; n++) {
            const struct route_key key = route_key(n % 7, n);
            uint64_t lives = expiry_tick(key, start + n, ttls[i]) - (start + n);
            assert_in_range(lives, ttls[i] * UINT64_C(700), ttls[i] * UINT64_C(1000));
            assert_int_equal(expiry_fetched(key, expiry_tick(key, start + n, ttls[i]), ttls[i]), start + n);
        }
}

static void expiry_that_no_fetch_gives_is_one_of_tick_0(void **state)
{
    (void)state;
    assert_int_equal(expiry_fetched(route_key(1, 2), 0, TTL_S), 0);
    assert_int_equal(expiry_fetched(route_key(1, 2), 10000, UINT16_MAX), 0);
}

/* One route that all machines have, or the routes of one machine: fetched within a tenth of a second. */
static void what_is_fetched_in_one_moment_does_not_expire_in_one(void **state)
{
    (void)state;
    for (int many_routes = 0; many_routes < 2; many_routes++) {
        uint32_t tenths[TENTHS] = {0}, random = 1;
        for (uint32_t n = 0; n < MACHINES; n++) {
            const struct route_key key = route_key(7, many_routes ? n : 0);
            uint64_t fetched = start + next_random(&random) % 100;
            uint64_t tenth = (expiry_tick(key, fetched, TTL_S) - start - LEAST_MS) / 100;
            tenths[tenth < TENTHS ? tenth : TENTHS - 1]++;
        }
        for (int i = 0; i < TENTHS; i++)
            assert_in_range(tenths[i], 0, 4 * MACHINES / TENTHS);
    }
}

/* A fetcher requests an expired route at its next poll, and the answer takes its time. */
static void draws_of_one_route_do_not_depend_on_those_before(void **state)
{
    (void)state;
    uint32_t random = 1, same = 0, pairs = 0, early[2][2] = {{0}};
    for (uint32_t route = 0; route < ROUTES; route++) {
        const struct route_key key = route_key(7, route);
        uint64_t fetched = start + next_random(&random) % 1000, before = 0;
        for (int period = 0; period < 100 * PERIODS; period++) {
            uint64_t expires = expiry_tick(key, fetched, TTL_S), lives = expires - fetched;
            if (period > 0) {
                same += lives == before;
                early[before < (TTL_MS + LEAST_MS) / 2][lives < (TTL_MS + LEAST_MS) / 2]++;
                pairs++;
            }
            before = lives;
            fetched = expires + 1 + next_random(&random) % 12;
        }
    }
    assert_in_range(same, 0, pairs / 10);
    for (int i = 0; i < 4; i++)
        assert_in_range(early[i / 2][i % 2], pairs / 4 * 8 / 10, pairs / 4 * 12 / 10);
}

/* As a fleet after a restart of its directory: all within a second. */
static void pattern_of_the_first_second_does_not_come_back_each_update_timeout(void **state)
{
    (void)state;
    static uint64_t fetched[MACHINES];
    uint32_t random = 1, tenths[PERIODS * TTL_MS / 100] = {0}, peak = 0, sum = 0;
    for (uint32_t n = 0; n < MACHINES; n++)
        fetched[n] = start + next_random(&random) % 1000;
    for (uint32_t n = 0; n < MACHINES; n++)
        for (;;) {
            fetched[n] = expiry_tick(route_key(7, 7), fetched[n], TTL_S) + 1 + next_random(&random) % 12;
            uint64_t tenth = (fetched[n] - start) / 100;
            if (tenth >= PERIODS * TTL_MS / 100)
                break;
            tenths[tenth]++;
        }
    for (int i = 0; i < PERIODS * TTL_MS / 100; i++) {
        peak = tenths[i] > peak ? tenths[i] : peak;
        sum += tenths[i];
    }
    assert_in_range(peak, 1, 4 * sum / (PERIODS * TTL_MS / 100));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_is_refreshed_between_seven_tenths_of_update_timeout_and_all_of_it),
        cmocka_unit_test(expiry_that_no_fetch_gives_is_one_of_tick_0),
        cmocka_unit_test(what_is_fetched_in_one_moment_does_not_expire_in_one),
        cmocka_unit_test(draws_of_one_route_do_not_depend_on_those_before),
        cmocka_unit_test(pattern_of_the_first_second_does_not_come_back_each_update_timeout),
    };
    return cmocka_run_group_tests_name("unit/shm/expiry", tests, NULL, NULL);
}
