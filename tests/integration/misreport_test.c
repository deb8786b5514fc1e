/* SPDX-License-Identifier: MIT */
/* Results that make no sense, or are lies: no address appears, no host is out of reach, and honest ones go on counting. */
#include <arpa/inet.h>
#include <limits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/rotation.h"

enum {
    LIAR_HOST = 2,
    STORM = 1000000, /* results for as many different hosts */
    STORM_ADDRESS = 0x0b000000,
    STORM_KIB = 16 * 1024, /* that the fetcher may take for it */
    LIE_MS = 1300,
    VANISHED_ROUTES = 50,
};

static uint64_t unknown_reports(const struct fixture *fixture)
{
    return fetcher_counter(&fixture->fetcher, COUNTER_reports_unknown);
}

/* No host is known for anything, and all are in rotation. */
static void expect_nothing_changed(struct fixture *fixture)
{
    assert_int_equal(host_health_count(&fixture->fetcher, route_key(1, 1)), 0);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_ejections), 0);
    assert_true(fixture_serves(fixture, 1, 1, ROTATION_HOSTS, ROTATION_PORT));
    rotation_expect_all(fixture->client);
}

static void report_failures(struct fixture *fixture, larshm_host host)
{
    for (int i = 0; i < 2 * ROTATION_STREAK; i++)
        assert_int_equal(larshm_report(fixture->client, &host, 1), LARSHM_OK);
}

static void hosts_that_the_route_does_not_have_are_ignored_and_counted(void **state)
{
    struct fixture *fixture = *state;
    larshm_host host = rotation_host(ROTATION_HOSTS + 1), other_port = rotation_host(1);
    other_port.port = htons(ROTATION_PORT + 1);
    rotation_start(fixture, rotation_without_time);
    report_failures(fixture, host);
    report_failures(fixture, other_port);
    host.addr = htonl(INADDR_BROADCAST);
    report_failures(fixture, host);
    eventually(unknown_reports(fixture) == 3 * 2 * ROTATION_STREAK);
    expect_nothing_changed(fixture);
}

static void routes_that_are_unknown_are_ignored_and_counted(void **state)
{
    static const uint32_t keys[][2] = {
        {9, 9}, {0, 0}, {UINT32_MAX, 1}, {1, UINT32_MAX}, {UINT32_MAX, UINT32_MAX - 1}};
    enum {
        KEYS = sizeof(keys) / sizeof(*keys)
    };
    struct fixture *fixture = *state;
    rotation_start(fixture, rotation_without_time);
    for (int i = 0; i < KEYS; i++) {
        larshm_host host = rotation_host(1);
        host.modid = keys[i][0];
        host.cmdid = keys[i][1];
        report_failures(fixture, host);
    }
    eventually(unknown_reports(fixture) == KEYS * 2 * ROTATION_STREAK);
    for (int i = 0; i < KEYS; i++) {
        struct host_health health;
        assert_false(
            host_health_read(&fixture->fetcher, route_key(keys[i][0], keys[i][1]), HOST_ADDR_NONE, &health));
    }
    expect_nothing_changed(fixture);
    directory_expect_nothing(&fixture->directory, 50);
}

static void what_is_no_host_is_refused_at_once(void **state)
{
    struct fixture *fixture = *state;
    larshm_host no_key = rotation_host(1), no_address = rotation_host(1), no_port = rotation_host(1);
    no_key.modid = no_key.cmdid = UINT32_MAX;
    no_address.addr = 0;
    no_port.port = 0;
    rotation_start(fixture, rotation_without_time);
    assert_int_equal(larshm_report(fixture->client, &no_key, 1), LARSHM_BAD_ARGUMENT);
    assert_int_equal(larshm_report(fixture->client, &no_address, 1), LARSHM_BAD_ARGUMENT);
    assert_int_equal(larshm_report(fixture->client, &no_port, 1), LARSHM_BAD_ARGUMENT);
    expect_nothing_changed(fixture);
}

static void any_retcode_but_zero_is_a_failure(void **state)
{
    static const int retcodes[] = {INT_MIN, -1, 1, 2, 65536, INT_MAX};
    enum {
        RETCODES = sizeof(retcodes) / sizeof(*retcodes)
    };
    struct fixture *fixture = *state;
    const larshm_host host = rotation_host(1);
    rotation_start(fixture, rotation_without_time);
    for (int i = 0; i < RETCODES; i++)
        assert_int_equal(larshm_report_timed(fixture->client, &host, retcodes[i], UINT32_MAX), LARSHM_OK);
    assert_int_equal(larshm_report_timed(fixture->client, &host, 0, UINT32_MAX), LARSHM_OK);
    eventually(rotation_counted(fixture, 1, RETCODES + 1));
    assert_int_equal(rotation_health(fixture, 1).total_err, RETCODES);
    assert_int_equal(rotation_health(fixture, 1).verr, RETCODES);
}

static void route_that_has_vanished_takes_no_results(void **state)
{
    struct fixture *fixture = *state;
    rotation_start(fixture, "[loadbalance]\noverload_timeout = 3600\nidle_timeout = 3600\nmemory = 0\n");
    rotation_eject(fixture, 1);
    directory_deny(&fixture->directory, 1, 1);
    eventually(fixture_lookup(fixture, 1, 1) == LARSHM_NOEXIST);
    report_failures(fixture, rotation_host(1));
    eventually(unknown_reports(fixture) == 2 * ROTATION_STREAK);
    assert_int_equal(host_health_count(&fixture->fetcher, route_key(1, 1)), 0);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_overloaded), 0);
    assert_int_equal(fixture_lookup(fixture, 1, 1), LARSHM_NOEXIST);
    fixture_answer(fixture, 1, 1, ROTATION_HOSTS, ROTATION_PORT);
    eventually(fixture_info(fixture, 1, 1).hosts == ROTATION_HOSTS);
    rotation_expect_all(fixture->client);
}

/* Any client can make the fetcher remember such routes for a while. Their records would stay forever. */
static void routes_that_do_not_exist_get_no_records(void **state)
{
    struct fixture *fixture = *state;
    rotation_start(fixture, rotation_without_time);
    for (uint32_t i = 0; i < VANISHED_ROUTES; i++) {
        larshm_host host = rotation_host(1);
        host.modid = 9;
        host.cmdid = i;
        assert_int_equal(fixture_lookup(fixture, 9, i), LARSHM_PENDING);
        directory_expect(&fixture->directory, 9, i);
        directory_deny(&fixture->directory, 9, i);
        assert_int_equal(larshm_wait_route(fixture->client, 9, i, EVENTUALLY_MS), LARSHM_NOEXIST);
        assert_int_equal(larshm_report(fixture->client, &host, 1), LARSHM_OK);
    }
    eventually(unknown_reports(fixture) == VANISHED_ROUTES);
    for (uint32_t i = 0; i < VANISHED_ROUTES; i++) {
        struct host_health health;
        assert_false(host_health_read(&fixture->fetcher, route_key(9, i), HOST_ADDR_NONE, &health));
    }
}

/* ---- without end ---- */

static _Noreturn void lie(const char *instance)
{
    const larshm_host host = rotation_host(LIAR_HOST);
    larshm *client;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (larshm_open(&client, instance) != LARSHM_OK)
        _exit(1);
    for (;;)
        larshm_report(client, &host, 1);
}

/* It is given back after each overload_timeout, and probed in between. */
static void failures_without_end_do_not_put_a_host_out_of_reach(void **state)
{
    struct fixture *fixture = *state;
    unsigned picked = 0;
    rotation_start(fixture, "[loadbalance]\noverload_timeout = 1\nslow_start = 0\n");
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        lie(fixture->fetcher.instance);
    eventually(rotation_overloaded(fixture, LIAR_HOST));
    for (uint64_t end = clock_tick() + LIE_MS; clock_tick() < end;) {
        picked += rotation_pick(fixture->client, 1).of[LIAR_HOST];
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_true(picked > 0);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_ejections) >= 2);
    assert_true(fixture_serves(fixture, 1, 1, ROTATION_HOSTS, ROTATION_PORT));
    eventually(!rotation_overloaded(fixture, LIAR_HOST));
    rotation_expect_all(fixture->client);
}

static int report_storm(struct fixture *fixture)
{
    int taken = 0;
    for (int i = 0; i < STORM; i++) {
        larshm_host host = rotation_host(1);
        host.addr = htonl((uint32_t)(STORM_ADDRESS + i));
        int code = larshm_report(fixture->client, &host, 1);
        assert_true(code == LARSHM_OK || code == LARSHM_FULL);
        taken += code == LARSHM_OK;
    }
    return taken;
}

static bool is_taken(struct fixture *fixture, int last)
{
    const larshm_host host = rotation_host(last);
    return larshm_report(fixture->client, &host, 0) == LARSHM_OK;
}

static void million_hosts_that_do_not_exist_cost_bounded_memory_and_block_no_real_one_for_long(void **state)
{
    struct fixture *fixture = *state;
    rotation_start(fixture, rotation_without_time);
    rotation_report(fixture->client, 1, 0, 1);
    eventually(rotation_counted(fixture, 1, 1));
    long before = process_memory(&fixture->fetcher.process);
    int taken = report_storm(fixture);
    assert_true(taken < STORM);
    eventually(unknown_reports(fixture) == (uint64_t)taken);
    assert_in_range(process_memory(&fixture->fetcher.process), 1, before + STORM_KIB);
    assert_int_equal(host_health_count(&fixture->fetcher, route_key(1, 1)), 1);
    assert_true(fixture_serves(fixture, 1, 1, ROTATION_HOSTS, ROTATION_PORT));
    /* One that had a place keeps it; the others find one when the liars' places are taken away. */
    for (int last = 1; last <= ROTATION_HOSTS; last++)
        eventually(is_taken(fixture, last));
    for (int last = 2; last <= ROTATION_HOSTS; last++)
        eventually(rotation_counted(fixture, last, 1));
    assert_true(fetcher_counter(&fixture->fetcher, COUNTER_reports_refused) >= (uint64_t)(STORM - taken));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(hosts_that_the_route_does_not_have_are_ignored_and_counted),
        fixture_test(routes_that_are_unknown_are_ignored_and_counted),
        fixture_test(what_is_no_host_is_refused_at_once),
        fixture_test(any_retcode_but_zero_is_a_failure),
        fixture_test(route_that_has_vanished_takes_no_results),
        fixture_test(routes_that_do_not_exist_get_no_records),
        fixture_test(failures_without_end_do_not_put_a_host_out_of_reach),
        fixture_test(million_hosts_that_do_not_exist_cost_bounded_memory_and_block_no_real_one_for_long),
    };
    return cmocka_run_group_tests_name("integration/misreport", tests, NULL, NULL);
}
