/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fetcher/shares.h"

enum {
    STEP_MS = 10,
    SECONDS = 10,
};

/* What each kind gets in ten seconds, if those that are set in `wanting` send all they may, in this order. */
static void run(uint32_t per_second, bool refusing, const bool wanting[SHARES], uint32_t got[SHARES])
{
    struct shares shares = {0};
    for (int kind = 0; kind < SHARES; kind++)
        got[kind] = 0;
    for (uint64_t now = STEP_MS; now <= SECONDS * 1000; now += STEP_MS) {
        shares_fill(&shares, per_second, refusing, now);
        for (int kind = SHARES - 1; kind >= 0; kind--)
            while (wanting[kind] && shares_has(&shares, (enum share)kind)) {
                shares_take(&shares, (enum share)kind);
                got[kind]++;
            }
    }
}

static void each_kind_has_a_share_that_the_others_cannot_take(void **state)
{
    (void)state;
    static const uint32_t rates[] = {10, 160, 20000, 1000000};
    const bool all[SHARES] = {true, true, true};
    uint32_t got[SHARES];
    for (unsigned i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
        uint32_t whole = rates[i] * SECONDS;
        run(rates[i], false, all, got);
        for (int kind = 0; kind < SHARES; kind++)
            assert_in_range(got[kind], whole / 5, whole * 6 / 10);
        assert_in_range(got[SHARE_NEW] + got[SHARE_REFRESH] + got[SHARE_RESUBSCRIBE], whole * 9 / 10, whole);
    }
}

static void what_a_kind_leaves_flows_to_the_others(void **state)
{
    (void)state;
    static const uint32_t rates[] = {1, 10, 160, 20000};
    uint32_t got[SHARES];
    for (unsigned i = 0; i < sizeof(rates) / sizeof(*rates); i++)
        for (int kind = 0; kind < SHARES; kind++) {
            bool wanting[SHARES] = {false};
            uint32_t whole = rates[i] * SECONDS;
            wanting[kind] = true;
            run(rates[i], false, wanting, got);
            assert_in_range(got[kind], whole * 6 / 10, whole + 1);
        }
}

static void new_routes_get_a_sixteenth_while_they_are_refused(void **state)
{
    (void)state;
    const bool wanting[SHARES] = {[SHARE_NEW] = true};
    uint32_t got[SHARES];
    run(1600, true, wanting, got);
    assert_in_range(got[SHARE_NEW], 95 * SECONDS, 100 * SECONDS);
}

static void a_pause_gives_no_right_to_a_burst(void **state)
{
    (void)state;
    struct shares shares = {0};
    uint32_t burst = 0;
    for (uint64_t hour = 1; hour < 5; hour++)
        shares_fill(&shares, 1000, false, hour * 3600 * 1000);
    for (int kind = 0; kind < SHARES; kind++)
        for (; shares_has(&shares, (enum share)kind); burst++)
            shares_take(&shares, (enum share)kind);
    assert_in_range(burst, 90, 101);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_has_a_share_that_the_others_cannot_take),
        cmocka_unit_test(what_a_kind_leaves_flows_to_the_others),
        cmocka_unit_test(new_routes_get_a_sixteenth_while_they_are_refused),
        cmocka_unit_test(a_pause_gives_no_right_to_a_burst),
    };
    return cmocka_run_group_tests_name("unit/fetcher/shares", tests, NULL, NULL);
}
