/* SPDX-License-Identifier: MIT */
/* The rules by which hosts are judged, one by one. That they work together as in Lars shows integration/lars_health. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fetcher/health.h"

enum {
    BIRTH = 1000000, /* tick */
    SECOND = 1000,
};

/* A host that has just been born, under the values of Lars' file: credit 180, charge 5, 10 % and 50 %, 15 in a row, 15 s. */
static struct config config;
static struct host_health host;

static int begin(void **state)
{
    (void)state;
    host = (struct host_health){0};
    if (config_load(NULL, &config, NULL, NULL) != 0)
        return -1;
    config.loadbalance.succ_rate = 0.5;
    config.loadbalance.contin_err_limit = config.loadbalance.contin_succ_limit = 15;
    health_init(&host, &config, BIRTH);
    return 0;
}

/* So many calls without a streak. */
static enum health_change apply(uint64_t succ, uint64_t err)
{
    return health_apply(&host, &(struct call_batch){.succ = succ, .err = err, .succ_run = 1, .err_run = 1},
                        &config, BIRTH + SECOND);
}

static void overload(uint64_t now)
{
    struct call_batch streak = {.err = 15, .err_run = 15};
    assert_int_equal(health_apply(&host, &streak, &config, now), HEALTH_CHANGED);
    assert_int_equal(host.state, HOST_EJECTED);
}

/* Counts such calls in the window that began at host.window, then ends it. */
static enum health_change window_judged_by_all_rules(uint64_t succ, uint64_t err)
{
    assert_int_equal(apply(succ, err), HEALTH_SAME);
    return health_time(&host, &config, host.window + 15 * SECOND);
}

static enum health_change window_of(uint64_t succ, uint64_t err)
{
    config.loadbalance.err_rate = 1;
    return window_judged_by_all_rules(succ, err);
}

static void expect_fresh_counts(void)
{
    assert_int_equal(host.vsucc, host.state == HOST_IN_ROTATION ? 180 : 0);
    assert_int_equal(host.verr, host.state == HOST_IN_ROTATION ? 0 : 5);
    assert_int_equal(host.rsucc, 0);
    assert_int_equal(host.rerr, 0);
    assert_int_equal(host.contin_succ, 0);
    assert_int_equal(host.contin_err, 0);
}

static void expect_turned(enum host_state state, enum health_reason reason, uint32_t value, uint32_t limit)
{
    assert_int_equal(host.state, state);
    assert_int_equal(host.reason, reason);
    assert_int_equal(host.value, value);
    assert_int_equal(host.limit, limit);
    expect_fresh_counts();
    assert_int_equal(host.window - host.since,
                     host.state == HOST_EJECTED ? SECOND * config.loadbalance.overload_timeout : 0);
}

static void birth_is_idle_with_credit_and_keeps_totals_and_override(void **state)
{
    (void)state;
    host = (struct host_health){
        .total_succ = 7, .total_err = 8, .override = OVERRIDE_DRAINED, .verr = 9, .contin_err = 9};
    health_init(&host, &config, BIRTH + 5);
    expect_turned(HOST_IN_ROTATION, REASON_BIRTH, 0, 0);
    assert_int_equal(host.since, BIRTH + 5);
    assert_int_equal(host.total_succ, 7);
    assert_int_equal(host.total_err, 8);
    assert_int_equal(host.override, OVERRIDE_DRAINED);
}

static void calls_are_counted_in_virtual_real_and_total_counts(void **state)
{
    (void)state;
    assert_int_equal(apply(100, 3), HEALTH_SAME);
    assert_int_equal(host.vsucc, 280);
    assert_int_equal(host.verr, 3);
    assert_int_equal(host.rsucc, 100);
    assert_int_equal(host.rerr, 3);
    overload(BIRTH + 2);
    assert_int_equal(apply(0, 4), HEALTH_SAME);
    assert_int_equal(host.verr, 9);
    assert_int_equal(host.rerr, 4);
    assert_int_equal(host.total_succ, 100);
    assert_int_equal(host.total_err, 22);
}

static void batch_without_calls_changes_nothing(void **state)
{
    (void)state;
    assert_int_equal(apply(5, 5), HEALTH_SAME);
    struct host_health before = host;
    struct call_batch nothing = {.extra = 1000, .err_run = 1000, .succ_run = 1000};
    assert_int_equal(health_apply(&host, &nothing, &config, BIRTH + 2), HEALTH_SAME);
    assert_memory_equal(&host, &before, sizeof(host));
}

static void failures_above_err_rate_overload(void **state)
{
    (void)state;
    assert_int_equal(apply(0, 20), HEALTH_SAME); /* 20 of 200 are 10 %, not more */
    assert_int_equal(apply(0, 1), HEALTH_CHANGED);
    expect_turned(HOST_EJECTED, REASON_ERR_RATE, 1045, 1000);
    assert_int_equal(host.since, BIRTH + SECOND);
}

static void failures_in_a_row_overload(void **state)
{
    (void)state;
    struct call_batch failure = {.err = 1};
    for (failure.err_run = 1; failure.err_run < 15; failure.err_run++) {
        assert_int_equal(health_apply(&host, &failure, &config, BIRTH + 1), HEALTH_SAME);
        assert_int_equal(host.contin_err, failure.err_run);
    }
    assert_int_equal(health_apply(&host, &failure, &config, BIRTH + 1), HEALTH_CHANGED);
    expect_turned(HOST_EJECTED, REASON_ERR_STREAK, 15, 15);
}

static void success_ends_a_streak_of_failures_and_the_reverse(void **state)
{
    (void)state;
    struct call_batch failures = {.err = 14, .err_run = 14};
    struct call_batch successes = {.succ = 9, .err_run = 14, .succ_run = 9};
    assert_int_equal(health_apply(&host, &failures, &config, BIRTH + 1), HEALTH_SAME);
    assert_int_equal(host.contin_err, 14);
    assert_int_equal(health_apply(&host, &successes, &config, BIRTH + 1), HEALTH_SAME);
    assert_int_equal(host.contin_err, 0);
    assert_int_equal(host.contin_succ, 9);
    assert_int_equal(apply(0, 1), HEALTH_SAME);
    assert_int_equal(host.contin_succ, 0);
    assert_int_equal(host.contin_err, 1);
}

static void successes_above_succ_rate_make_idle(void **state)
{
    (void)state;
    config.loadbalance.rules = RULES_LARS;
    overload(BIRTH + 1);
    assert_int_equal(apply(5, 0), HEALTH_SAME); /* 5 of 10 are 50 %, not more */
    assert_int_equal(apply(1, 0), HEALTH_CHANGED);
    expect_turned(HOST_IN_ROTATION, REASON_SUCC_RATE, 5455, 5000);
}

static void successes_in_a_row_make_idle(void **state)
{
    (void)state;
    config.loadbalance.rules = RULES_LARS;
    overload(BIRTH + 1);
    assert_int_equal(apply(0, 100), HEALTH_SAME);
    struct call_batch successes = {.succ = 14, .succ_run = 14};
    assert_int_equal(health_apply(&host, &successes, &config, BIRTH + 1), HEALTH_SAME);
    successes = (struct call_batch){.succ = 1, .succ_run = 15};
    assert_int_equal(health_apply(&host, &successes, &config, BIRTH + 1), HEALTH_CHANGED);
    expect_turned(HOST_IN_ROTATION, REASON_SUCC_STREAK, 15, 15);
}

static void only_a_failure_overloads_and_only_a_success_makes_idle(void **state)
{
    (void)state;
    config.loadbalance.rules = RULES_LARS;
    assert_int_equal(apply(0, 10), HEALTH_SAME);
    config.loadbalance.err_rate = 0;
    assert_int_equal(apply(1, 0), HEALTH_SAME);
    assert_int_equal(apply(0, 1), HEALTH_CHANGED);
    config.loadbalance.succ_rate = 1;
    assert_int_equal(apply(10, 0), HEALTH_SAME);
    config.loadbalance.succ_rate = 0;
    assert_int_equal(apply(0, 1), HEALTH_SAME);
    assert_int_equal(apply(1, 0), HEALTH_CHANGED);
}

static void window_at_window_err_rate_overloads(void **state)
{
    (void)state;
    assert_int_equal(window_of(31, 69), HEALTH_RESET);
    assert_int_equal(window_of(3, 7), HEALTH_CHANGED);
    expect_turned(HOST_EJECTED, REASON_WINDOW, 7000, 7000);
    assert_int_equal(host.since, BIRTH + 30 * SECOND);
}

static void window_below_window_err_rate_resets_the_counts(void **state)
{
    (void)state;
    assert_int_equal(window_of(10, 10), HEALTH_RESET);
    expect_fresh_counts();
    assert_int_equal(host.state, HOST_IN_ROTATION);
    assert_int_equal(host.reason, REASON_BIRTH);
    assert_int_equal(host.since, BIRTH);
    assert_int_equal(host.window, BIRTH + 15 * SECOND);
    assert_int_equal(host.total_err, 10);
}

static void window_without_calls_judges_nothing_and_restarts(void **state)
{
    (void)state;
    config.loadbalance.window_err_rate = 0;
    assert_int_equal(health_time(&host, &config, BIRTH + 15 * SECOND + 7), HEALTH_RESET);
    assert_int_equal(host.state, HOST_IN_ROTATION);
    assert_int_equal(host.since, BIRTH);
    assert_int_equal(host.window, BIRTH + 15 * SECOND + 7);
}

static void overloaded_host_is_idle_again_after_overload_timeout_whatever_is_reported(void **state)
{
    (void)state;
    config.loadbalance.overload_timeout = 20;
    overload(BIRTH + 1);
    assert_int_equal(apply(0, UINT64_MAX), HEALTH_SAME);
    assert_int_equal(health_time(&host, &config, BIRTH + 20 * SECOND), HEALTH_SAME);
    assert_int_equal(health_time(&host, &config, BIRTH + 20 * SECOND + 1), HEALTH_CHANGED);
    expect_turned(HOST_IN_ROTATION, REASON_TIMEOUT, 0, 20);
}

static void deadline_is_when_time_has_something_to_do(void **state)
{
    (void)state;
    config.loadbalance.overload_timeout = 65535;
    assert_int_equal(health_deadline(&host, &config), BIRTH + 15 * SECOND);
    assert_int_equal(health_time(&host, &config, BIRTH + 15 * SECOND - 1), HEALTH_SAME);
    assert_int_equal(health_time(&host, &config, BIRTH + 15 * SECOND), HEALTH_RESET);
    assert_int_equal(health_deadline(&host, &config), BIRTH + 30 * SECOND);
    overload(BIRTH + 16 * SECOND);
    assert_int_equal(health_deadline(&host, &config), BIRTH + 65551 * SECOND);
    config.loadbalance.overload_timeout = 1;
    health_set_end(&host, &config); /* a reload */
    assert_int_equal(health_time(&host, &config, BIRTH + 17 * SECOND), HEALTH_CHANGED);
}

static void window_of_few_calls_ejects_no_host_however_often(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(window_of(0, 4), HEALTH_RESET);
    assert_int_equal(host.state, HOST_IN_ROTATION);
    assert_int_equal(window_of(1, 4), HEALTH_CHANGED);
    expect_turned(HOST_EJECTED, REASON_WINDOW, 8000, 7000);
}

static void without_window_min_calls_one_failure_is_enough_for_a_window(void **state)
{
    (void)state;
    config.loadbalance.window_min_calls = 0;
    assert_int_equal(window_of(0, 1), HEALTH_CHANGED);
    expect_turned(HOST_EJECTED, REASON_WINDOW, 10000, 7000);
}

static uint64_t eject_until(uint64_t now)
{
    overload(now);
    return health_deadline(&host, &config) - now;
}

/* Out at `now`; back when that ends, whose tick is returned. */
static uint64_t eject_and_wait(uint64_t now)
{
    uint64_t end = now + eject_until(now);
    assert_int_equal(health_time(&host, &config, end), HEALTH_CHANGED);
    assert_int_equal(host.reason, REASON_TIMEOUT);
    assert_int_equal(host.limit, (end - now) / SECOND);
    return end;
}

static void host_that_is_back_gets_an_eighth_more_after_each_seventh_of_slow_start(void **state)
{
    (void)state;
    config.loadbalance.slow_start = 7;
    assert_int_equal(health_share(&host, &config, BIRTH), SHARE_FULL); /* a new one has no slow start */
    overload(BIRTH);
    assert_int_equal(health_share(&host, &config, BIRTH), SHARE_EJECTED);
    assert_int_equal(health_share_grows(&host, &config, BIRTH), UINT64_MAX);
    uint64_t back = health_deadline(&host, &config), now = back;
    assert_int_equal(health_time(&host, &config, back), HEALTH_CHANGED);
    for (uint32_t share = 1; share < SHARE_EIGHTHS; share++, now += SECOND) {
        assert_int_equal(health_share(&host, &config, now), share);
        assert_int_equal(health_share(&host, &config, now + SECOND - 1), share);
        assert_int_equal(health_share_grows(&host, &config, now + 1), now + SECOND);
    }
    assert_int_equal(now, back + 7 * SECOND);
    assert_int_equal(health_share(&host, &config, now), SHARE_FULL);
    assert_int_equal(health_share_grows(&host, &config, now), UINT64_MAX);
}

static void slow_start_of_any_length_ends_in_time_and_each_step_is_foreseen(void **state)
{
    (void)state;
    eject_and_wait(BIRTH);
    for (config.loadbalance.slow_start = 1; config.loadbalance.slow_start <= 3600;
         config.loadbalance.slow_start++) {
        uint64_t now = host.since, grows;
        for (uint32_t share = 1; (grows = health_share_grows(&host, &config, now)) != UINT64_MAX; share++) {
            assert_int_equal(health_share(&host, &config, grows - 1), share);
            now = grows;
        }
        assert_int_equal(now, host.since + SECOND * config.loadbalance.slow_start);
    }
}

static void without_slow_start_or_by_lars_rules_a_host_is_back_at_once(void **state)
{
    (void)state;
    uint64_t now = eject_and_wait(BIRTH);
    assert_int_equal(health_share(&host, &config, now), 1);
    config.loadbalance.rules = RULES_LARS;
    assert_int_equal(health_share(&host, &config, now), SHARE_FULL);
    config.loadbalance.rules = RULES_LARSHM;
    config.loadbalance.slow_start = 0;
    assert_int_equal(health_share(&host, &config, now), SHARE_FULL);
}

static void g12_ejections_in_a_row_last_longer_up_to_max_overload_timeout(void **state)
{
    (void)state;
    uint64_t now = BIRTH;
    config.loadbalance.max_overload_timeout = 50;
    for (uint32_t number = 1; number <= 10; number++) {
        uint64_t end = eject_and_wait(now);
        assert_int_equal(end - now, SECOND * (number < 4 ? 15 * number : 50));
        assert_int_equal(health_longest_ejection_s(&config), 50);
        now = end + 14 * SECOND;
    }
    config.loadbalance.overload_timeout = 60;
    assert_int_equal(health_longest_ejection_s(&config), 60);
    assert_int_equal(eject_until(now), 60 * SECOND);
}

static void ejection_is_forgotten_for_each_overload_timeout_in_rotation(void **state)
{
    (void)state;
    uint64_t now = BIRTH;
    for (int i = 0; i < 4; i++)
        now = eject_and_wait(now);
    assert_int_equal(host.level, 4);
    now = eject_and_wait(now + 30 * SECOND);
    assert_int_equal(host.level, 3);
    assert_int_equal(eject_until(now + 45 * SECOND), 15 * SECOND);
}

static void ejection_that_others_have_ended_does_not_count(void **state)
{
    (void)state;
    overload(BIRTH + 1);
    health_spare(&host, &config, BIRTH + 1);
    assert_int_equal(host.level, 0);
    overload(eject_and_wait(BIRTH + 2));
    assert_int_equal(host.level, 2);
    health_spare(&host, &config, host.since + 1000);
    assert_int_equal(host.level, 1);
}

static void host_that_is_spared_after_the_longest_ejection_has_as_many_as_before(void **state)
{
    (void)state;
    uint64_t now = BIRTH;
    config.loadbalance.max_overload_timeout = 50;
    for (int i = 0; i < 10; i++)
        now = eject_and_wait(now);
    overload(now);
    health_spare(&host, &config, now);
    assert_int_equal(eject_until(now + 16 * SECOND), 50 * SECOND);
}

static void rules_of_lars_have_ejections_of_one_length(void **state)
{
    (void)state;
    uint64_t now = BIRTH;
    config.loadbalance.rules = RULES_LARS;
    for (int i = 0; i < 4; i++) {
        uint64_t end = eject_and_wait(now);
        assert_int_equal(end - now, 15 * SECOND);
        now = end;
    }
    assert_int_equal(health_longest_ejection_s(&config), 15);
}

static void two_successes_in_a_row_end_an_ejection(void **state)
{
    (void)state;
    struct call_batch success = {.succ = 1, .succ_run = 1}, failure = {.err = 1, .err_run = 1};
    overload(BIRTH + 1);
    assert_int_equal(health_apply(&host, &success, &config, BIRTH + 2), HEALTH_SAME);
    assert_int_equal(health_apply(&host, &failure, &config, BIRTH + 3), HEALTH_SAME);
    assert_int_equal(health_apply(&host, &success, &config, BIRTH + 4), HEALTH_SAME);
    success.succ_run = 2;
    assert_int_equal(health_apply(&host, &success, &config, BIRTH + 5), HEALTH_CHANGED);
    expect_turned(HOST_IN_ROTATION, REASON_SUCC_STREAK, 2, 2);
}

static void badness_of_an_ejected_host_is_its_share_of_failures_without_the_credit(void **state)
{
    (void)state;
    struct call_batch calls = {.succ = 10, .err = 20, .extra = 10, .err_run = 15};
    assert_int_equal(health_apply(&host, &calls, &config, BIRTH + 1), HEALTH_CHANGED);
    assert_int_equal(host.badness, 7500);
    assert_int_equal(health_time(&host, &config, BIRTH + 15 * SECOND + 1), HEALTH_CHANGED);
    assert_int_equal(host.badness, 0);
}

static void spared_host_is_in_rotation_with_fresh_counts_and_the_reason_of_its_ejection(void **state)
{
    (void)state;
    overload(BIRTH + 1);
    health_spare(&host, &config, BIRTH + 2);
    expect_turned(HOST_IN_ROTATION, REASON_ERR_STREAK, 15, 15);
    assert_true(host_health_is_spared(&host));
    health_init(&host, &config, BIRTH + 3);
    assert_false(host_health_is_spared(&host));
}

static void spared_host_is_no_longer_so_after_a_window_with_no_more_failures_than_err_rate(void **state)
{
    (void)state;
    overload(BIRTH);
    health_spare(&host, &config, BIRTH);
    assert_int_equal(window_judged_by_all_rules(0, 4), HEALTH_RESET); /* too few calls to tell */
    assert_int_equal(window_judged_by_all_rules(8, 1), HEALTH_RESET); /* not bad, and not good */
    assert_true(host_health_is_spared(&host));
    assert_int_equal(window_judged_by_all_rules(9, 1), HEALTH_CHANGED);
    expect_turned(HOST_IN_ROTATION, REASON_GOOD_WINDOW, 1000, 1000);
    assert_false(host_health_is_spared(&host));
    assert_int_equal(health_share(&host, &config, host.since), SHARE_FULL);
    assert_int_equal(window_judged_by_all_rules(9, 1), HEALTH_RESET);
}

static void extra_weight_ejects_a_host_that_fails_rarely_but_slowly(void **state)
{
    (void)state;
    /* 2 % of the calls fail; that stays so for any number of them. Each failure took 20 times slow_call_ms. */
    struct call_batch calls = {.succ = 98, .err = 2, .succ_run = 49, .err_run = 1};
    for (int i = 0; i < 100; i++)
        assert_int_equal(health_apply(&host, &calls, &config, BIRTH + 1), HEALTH_SAME);
    assert_int_equal(health_time(&host, &config, BIRTH + 15 * SECOND), HEALTH_RESET);
    calls.extra = 38;
    assert_int_equal(health_apply(&host, &calls, &config, BIRTH + 16 * SECOND), HEALTH_CHANGED);
    expect_turned(HOST_EJECTED, REASON_ERR_RATE, 1258, 1000);
    assert_int_equal(host.total_err, 202);
}

static void extra_weight_is_no_call(void **state)
{
    (void)state;
    struct call_batch slow = {.succ = 100, .err = 1, .extra = 9, .succ_run = 60, .err_run = 1};
    assert_int_equal(health_apply(&host, &slow, &config, BIRTH + 1), HEALTH_SAME);
    assert_int_equal(host.verr, 10);
    assert_int_equal(host.rerr, 1);
    assert_int_equal(host.contin_err, 1);
}

static void streak_followed_by_a_success_in_one_batch_is_not_lost(void **state)
{
    (void)state;
    config.loadbalance.rules = RULES_LARS;
    struct call_batch calls = {.succ = 1000, .err = 15, .err_run = 15, .succ_run = 600};
    assert_int_equal(health_apply(&host, &calls, &config, BIRTH + 1), HEALTH_CHANGED);
    expect_turned(HOST_EJECTED, REASON_ERR_STREAK, 15, 15);
    calls = (struct call_batch){.succ = 15, .err = 100, .succ_run = 15, .err_run = 90};
    assert_int_equal(health_apply(&host, &calls, &config, BIRTH + 1), HEALTH_CHANGED);
    expect_turned(HOST_IN_ROTATION, REASON_SUCC_STREAK, 15, 15);
}

static void batch_is_judged_once_when_all_of_it_is_counted(void **state)
{
    (void)state;
    assert_int_equal(apply(20, 22), HEALTH_SAME); /* 22 of 222 */
    assert_int_equal(apply(20, 22), HEALTH_CHANGED);
    expect_turned(HOST_EJECTED, REASON_ERR_RATE, 1667, 1000); /* 44 of 264 */
}

static void rate_never_reads_as_equal_to_the_limit_that_it_is_above(void **state)
{
    (void)state;
    config.loadbalance.err_rate = 0.100089999;
    assert_int_equal(apply(899910 - 180, 0), HEALTH_SAME);
    assert_int_equal(apply(0, 100090), HEALTH_CHANGED); /* 10.009 % */
    expect_turned(HOST_EJECTED, REASON_ERR_RATE, 1001, 1000);
}

static void counts_saturate_instead_of_wrapping(void **state)
{
    (void)state;
    config.loadbalance.recover_successes = 15;
    struct call_batch flood = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT32_MAX, UINT32_MAX};
    config.loadbalance.err_rate = 1;
    config.loadbalance.contin_err_limit = 1000000;
    assert_int_equal(apply(UINT64_C(1) << 63, UINT64_C(1) << 63), HEALTH_SAME);
    assert_int_equal(host.vsucc, UINT32_MAX);
    assert_int_equal(host.verr, UINT32_MAX);
    assert_int_equal(host.rsucc, UINT32_MAX);
    assert_int_equal(host.rerr, UINT32_MAX);
    assert_int_equal(apply(UINT32_MAX, 1), HEALTH_SAME);
    assert_int_equal(host.vsucc, UINT32_MAX);
    assert_int_equal(host.rerr, UINT32_MAX);
    assert_int_equal(health_time(&host, &config, BIRTH + 15 * SECOND), HEALTH_RESET);
    assert_int_equal(health_apply(&host, &flood, &config, BIRTH + 16 * SECOND), HEALTH_CHANGED);
    assert_true(host.total_succ == UINT64_MAX);
    assert_true(host.total_err == UINT64_MAX);
    assert_int_equal(health_apply(&host, &flood, &config, BIRTH + 16 * SECOND), HEALTH_CHANGED);
    expect_turned(HOST_IN_ROTATION, REASON_SUCC_STREAK, UINT32_MAX, 15);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, begin)
    const struct CMUnitTest tests[] = {
        TEST(birth_is_idle_with_credit_and_keeps_totals_and_override),
        TEST(calls_are_counted_in_virtual_real_and_total_counts),
        TEST(batch_without_calls_changes_nothing),
        TEST(failures_above_err_rate_overload),
        TEST(failures_in_a_row_overload),
        TEST(success_ends_a_streak_of_failures_and_the_reverse),
        TEST(successes_above_succ_rate_make_idle),
        TEST(successes_in_a_row_make_idle),
        TEST(only_a_failure_overloads_and_only_a_success_makes_idle),
        TEST(window_at_window_err_rate_overloads),
        TEST(window_below_window_err_rate_resets_the_counts),
        TEST(window_without_calls_judges_nothing_and_restarts),
        TEST(overloaded_host_is_idle_again_after_overload_timeout_whatever_is_reported),
        TEST(deadline_is_when_time_has_something_to_do),
        TEST(window_of_few_calls_ejects_no_host_however_often),
        TEST(without_window_min_calls_one_failure_is_enough_for_a_window),
        TEST(host_that_is_back_gets_an_eighth_more_after_each_seventh_of_slow_start),
        TEST(slow_start_of_any_length_ends_in_time_and_each_step_is_foreseen),
        TEST(without_slow_start_or_by_lars_rules_a_host_is_back_at_once),
        TEST(g12_ejections_in_a_row_last_longer_up_to_max_overload_timeout),
        TEST(ejection_is_forgotten_for_each_overload_timeout_in_rotation),
        TEST(ejection_that_others_have_ended_does_not_count),
        TEST(host_that_is_spared_after_the_longest_ejection_has_as_many_as_before),
        TEST(rules_of_lars_have_ejections_of_one_length),
        TEST(two_successes_in_a_row_end_an_ejection),
        TEST(badness_of_an_ejected_host_is_its_share_of_failures_without_the_credit),
        TEST(spared_host_is_in_rotation_with_fresh_counts_and_the_reason_of_its_ejection),
        TEST(spared_host_is_no_longer_so_after_a_window_with_no_more_failures_than_err_rate),
        TEST(extra_weight_ejects_a_host_that_fails_rarely_but_slowly),
        TEST(extra_weight_is_no_call),
        TEST(streak_followed_by_a_success_in_one_batch_is_not_lost),
        TEST(batch_is_judged_once_when_all_of_it_is_counted),
        TEST(rate_never_reads_as_equal_to_the_limit_that_it_is_above),
        TEST(counts_saturate_instead_of_wrapping),
    };
    return cmocka_run_group_tests_name("unit/fetcher/health", tests, NULL, NULL);
}
