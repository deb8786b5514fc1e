/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/larshm/top_text.h"

struct shown {
    struct top_sample sample;
    struct top_rates rates;
    struct top_page page;
};

static struct shown *shown_new(void)
{
    struct shown *shown = calloc(1, sizeof(*shown));
    assert_non_null(shown);
    shown->sample.hosts.status = SHM_OK;
    shown->rates.known = true;
    return shown;
}

static void expect_line(struct shown *shown, int section, const char *text, enum tint tint)
{
    top_page_write(&shown->page, "mine", &shown->sample, &shown->rates);
    const struct top_section *in = &shown->page.sections[section];
    for (size_t i = 0; i < in->count; i++)
        if (strstr(in->lines[i].text, text)) {
            assert_int_equal(in->lines[i].tint, tint);
            return;
        }
    for (size_t i = 0; i < in->count; i++)
        print_message("%s\n", in->lines[i].text);
    fail_msg("no line has '%s'", text);
}

static void what_is_wrong_with_fetcher_and_directory_is_red(void **state)
{
    (void)state;
    struct shown *shown = shown_new();
    struct facts *facts = &shown->sample.facts;
    facts->pid = 77;
    facts->connection = CONNECTION_UP;
    snprintf(facts->directory, sizeof(facts->directory), "10.0.0.9:7778");
    expect_line(shown, SECTION_HEADER, "alive, pid 77, for", TINT_GOOD);
    expect_line(shown, SECTION_HEADER, "10.0.0.9:7778, connected for", TINT_GOOD);
    facts->counters[COUNTER_unanswered] = 1;
    expect_line(shown, SECTION_HEADER, "DOES NOT ANSWER", TINT_TROUBLE);
    facts->connection = CONNECTION_WAITING;
    expect_line(shown, SECTION_HEADER, "10.0.0.9:7778, NOT CONNECTED for", TINT_TROUBLE);
    facts->fetcher = FETCHER_IS_SILENT;
    facts->silent_ms = 5000;
    expect_line(shown, SECTION_HEADER, "NOT ALIVE: silent for 5 s, was pid 77", TINT_TROUBLE);
    facts->refusing = REFUSING_MAX_BYTES;
    expect_line(shown, SECTION_HEADER, "raise [shm] max_bytes", TINT_TROUBLE);
    free(shown);
}

static void an_instance_that_is_not_there_is_named(void **state)
{
    (void)state;
    struct shown *shown = shown_new();
    shown->sample.status = SHM_NO_OBJECT;
    expect_line(shown, SECTION_HEADER, "/larshm.mine", TINT_WARNING);
    expect_line(shown, SECTION_HEADER, "waiting for larshm-fetcher", TINT_WARNING);
    assert_int_equal(shown->page.sections[SECTION_ROUTES].count, 0);
    free(shown);
}

static void a_route_has_its_rate_failures_hosts_and_age(void **state)
{
    (void)state;
    struct shown *shown = shown_new();
    struct top_row *row = &shown->rates.rows[0];
    shown->rates.count = 1;
    *row = (struct top_row){route_key(3, 4), {true, ROUTE_IS_NEW, 5, 0, 65000}, 12345.6, {9, 1}};
    expect_line(shown, SECTION_ROUTES, "    3     4      12,346   10.0     5    0    1 min 5 s  new",
                TINT_NONE);
    row->route.out = 2;
    expect_line(shown, SECTION_ROUTES, "    5    2 ", TINT_WARNING);
    row->route.out = 5;
    expect_line(shown, SECTION_ROUTES, "    5    5 ", TINT_TROUBLE);
    *row = (struct top_row){route_key(3, 4), {.cached = false}, -1, {-1, -1}};
    expect_line(shown, SECTION_ROUTES, "           -      -     0    0            -  not cached", TINT_NONE);
    free(shown);
}

static void a_host_that_is_out_has_its_reason_and_when_it_is_back(void **state)
{
    (void)state;
    struct shown *shown = shown_new();
    struct top_hosts *hosts = &shown->sample.hosts;
    expect_line(shown, SECTION_HOSTS, "no host is ejected", TINT_NONE);
    shown->sample.tick = 5000;
    hosts->listed_count = hosts->notable = 1;
    hosts->listed[0] = (struct known_host){
        route_key(3, 4),
        {inet_addr("10.0.0.1"), htons(80)},
        {.state = HOST_EJECTED, .reason = REASON_ERR_STREAK, .value = 10, .since = 1, .window = 12000}};
    hosts->shares[0] = SHARE_EJECTED;
    expect_line(shown, SECTION_HOSTS, "    3     4 10.0.0.1:80         7 s  overloaded since", TINT_TROUBLE);
    expect_line(shown, SECTION_HOSTS, "10 failures in a row", TINT_TROUBLE);
    hosts->listed[0].health.override = OVERRIDE_DRAINED;
    hosts->shares[0] = SHARE_DRAINED;
    expect_line(shown, SECTION_HOSTS, "drained by an operator", TINT_WARNING);
    hosts->status = SHM_SHORT;
    expect_line(shown, SECTION_HOSTS, "it is truncated", TINT_WARNING);
    free(shown);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_with_fetcher_and_directory_is_red),
        cmocka_unit_test(an_instance_that_is_not_there_is_named),
        cmocka_unit_test(a_route_has_its_rate_failures_hosts_and_age),
        cmocka_unit_test(a_host_that_is_out_has_its_reason_and_when_it_is_back),
    };
    return cmocka_run_group_tests_name("unit/larshm/top_text", tests, NULL, NULL);
}
