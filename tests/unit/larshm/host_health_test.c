/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/clock.h"
#include "tools/larshm/host_health.h"

enum {
    AGO_MS = 5000
};

static struct host_health health_of(enum host_state state, enum health_reason reason, uint32_t value,
                                    uint32_t limit)
{
    return (struct host_health){.state = (uint8_t)state,
                                .reason = (uint8_t)reason,
                                .value = value,
                                .limit = limit,
                                .since = clock_tick() - AGO_MS};
}

/* `expected` has an @ where the time is. */
static void assert_text(struct host_health health, const char *expected)
{
    bool out = health.override == OVERRIDE_DRAINED ||
               (health.override == OVERRIDE_NONE && health.state == HOST_EJECTED);
    struct text text = health_text(&health, out ? SHARE_EJECTED : SHARE_FULL);
    const char *at = strchr(expected, '@');
    if (!at) {
        assert_string_equal(text.is, expected);
        return;
    }
    size_t before = (size_t)(at - expected), after = strlen(at + 1);
    assert_true(strlen(text.is) >= before + strlen("12:03:07") + after);
    assert_memory_equal(text.is, expected, before);
    assert_string_equal(text.is + strlen(text.is) - after, at + 1);
}

static void every_change_of_a_host_is_shown_with_its_time_and_reason(void **state)
{
    (void)state;
    const struct {
        enum host_state state;
        enum health_reason reason;
        uint32_t value, limit;
        const char *text;
    } cases[] = {
        {HOST_IN_ROTATION, REASON_BIRTH, 0, 0, "idle"},
        {HOST_EJECTED, REASON_ERR_RATE, 1400, 1000, "overloaded since @: 14 % failures > 10 %"},
        {HOST_EJECTED, REASON_ERR_STREAK, 15, 15, "overloaded since @: 15 failures in a row"},
        {HOST_EJECTED, REASON_ERR_STREAK, 1, 1, "overloaded since @: 1 failure in a row"},
        {HOST_IN_ROTATION, REASON_SUCC_STREAK, 1, 1, "idle since @: 1 success in a row"},
        {HOST_EJECTED, REASON_WINDOW, 8050, 7000, "overloaded since @: 80.5 % failures >= 70 % in a window"},
        {HOST_IN_ROTATION, REASON_ERR_STREAK, 15, 15, "idle since @: spared after 15 failures in a row"},
        {HOST_IN_ROTATION, REASON_SUCC_RATE, 5455, 5000, "idle since @: 54.55 % successes > 50 %"},
        {HOST_IN_ROTATION, REASON_SUCC_STREAK, 15, 15, "idle since @: 15 successes in a row"},
        {HOST_IN_ROTATION, REASON_GOOD_WINDOW, 200, 1000, "idle since @: 2 % failures <= 10 % in a window"},
        {HOST_IN_ROTATION, REASON_TIMEOUT, 0, 15, "idle since @: was overloaded for 15 s"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        assert_text(health_of(cases[i].state, cases[i].reason, cases[i].value, cases[i].limit),
                    cases[i].text);
}

static void an_override_is_shown_first(void **state)
{
    (void)state;
    struct host_health idle = {.override = OVERRIDE_DRAINED};
    assert_text(idle, "drained by an operator");
    struct host_health bad = health_of(HOST_EJECTED, REASON_ERR_STREAK, 20, 15);
    bad.override = OVERRIDE_PINNED;
    assert_text(bad, "pinned by an operator; overloaded since @: 20 failures in a row");
}

static void rotation_that_the_record_does_not_explain_is_shown(void **state)
{
    (void)state;
    const struct host_health idle = {0}, pinned = {.override = OVERRIDE_PINNED},
                             drained = {.override = OVERRIDE_DRAINED};
    assert_string_equal(health_text(&idle, SHARE_EJECTED).is, "idle; out of rotation");
    assert_string_equal(health_text(&pinned, SHARE_DRAINED).is, "pinned by an operator; out of rotation");
    assert_string_equal(health_text(&drained, SHARE_FULL).is, "drained by an operator; in rotation");
}

static void share_of_a_host_that_is_back_is_shown_while_it_grows(void **state)
{
    (void)state;
    const struct host_health back = health_of(HOST_IN_ROTATION, REASON_SUCC_STREAK, 2, 2);
    assert_non_null(strstr(health_text(&back, 3).is, ": 2 successes in a row; 3/8 of its share of picks"));
    assert_null(strstr(health_text(&back, SHARE_FULL).is, "share"));
}

static void the_time_of_a_change_is_wall_time_and_never_in_the_future(void **state)
{
    (void)state;
    struct host_health health = health_of(HOST_EJECTED, REASON_ERR_STREAK, 15, 15);
    uint64_t now = clock_unix_ms(), since = health_since_unix_ms(&health);
    assert_in_range(since, now - AGO_MS - 1000, now - AGO_MS + 60000);
    health.since = UINT64_MAX;
    assert_true(health_since_unix_ms(&health) <= clock_unix_ms());
}

/* A route of two hosts, the second out of rotation; of the first, a record. */
static void a_table_has_each_host_with_its_counts_where_they_are_known(void **state)
{
    (void)state;
    struct host_addr hosts[] = {{htonl(0x0a000001), htons(80)}, {htonl(0x0a000002), htons(80)}};
    struct known_host record = {
        .key = route_key(1, 2), .host = hosts[0], .health = {.total_succ = 1000, .total_err = 7}};
    struct route *route = calloc(1, sizeof(*route));
    assert_non_null(route);
    route->key = route_key(1, 2);
    route->host_count = 2;
    route->hosts = hosts;
    struct known_hosts known = {.readable = true};
    assert_false(health_is_known(route, &known));
    route->states[0] = share_bits(1, SHARE_EJECTED);
    assert_true(health_is_known(route, &known));
    route->states[0] = 0;
    known.entries = &record;
    known.count = 1;
    assert_true(health_is_known(route, &known));
    route->states[0] = share_bits(1, SHARE_EJECTED);
    char *table = health_table(route, &known, "> ");
    assert_string_equal(table, "> HOST        SUCCESSES FAILURES HEALTH\n"
                               "> 10.0.0.1:80     1,000        7 idle\n"
                               "> 10.0.0.2:80         -        - out of rotation\n");
    free(table);
    free(route);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_change_of_a_host_is_shown_with_its_time_and_reason),
        cmocka_unit_test(an_override_is_shown_first),
        cmocka_unit_test(rotation_that_the_record_does_not_explain_is_shown),
        cmocka_unit_test(share_of_a_host_that_is_back_is_shown_while_it_grows),
        cmocka_unit_test(the_time_of_a_change_is_wall_time_and_never_in_the_future),
        cmocka_unit_test(a_table_has_each_host_with_its_counts_where_they_are_known),
    };
    return cmocka_run_group_tests_name("unit/larshm/host_health", tests, NULL, NULL);
}
