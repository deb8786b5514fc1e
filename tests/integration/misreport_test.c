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

static uint64_t unknown_reports(const struct scene *scene)
{
    return fetcher_counter(&scene->fetcher, COUNTER_reports_unknown);
}

/* No host is known for anything, and all are in the turn. */
static void expect_nothing_changed(struct scene *scene)
{
    assert_int_equal(standings_count(&scene->fetcher, route_key(1, 1)), 0);
    assert_int_equal(fetcher_counter(&scene->fetcher, COUNTER_ejections), 0);
    assert_true(scene_serves(scene, 1, 1, TURN_HOSTS, TURN_PORT));
    turn_expect_all(scene->client);
}

static void report_failures(struct scene *scene, larshm_host host)
{
    for (int i = 0; i < 2 * TURN_STREAK; i++)
        assert_int_equal(larshm_report(scene->client, &host, 1), LARSHM_OK);
}

static void hosts_that_the_route_does_not_have_are_ignored_and_counted(void **state)
{
    struct scene *scene = *state;
    larshm_host host = turn_host(TURN_HOSTS + 1), other_port = turn_host(1);
    other_port.port = htons(TURN_PORT + 1);
    turn_start(scene, turn_without_time);
    report_failures(scene, host);
    report_failures(scene, other_port);
    host.addr = htonl(INADDR_BROADCAST);
    report_failures(scene, host);
    eventually(unknown_reports(scene) == 3 * 2 * TURN_STREAK);
    expect_nothing_changed(scene);
}

static void routes_that_nobody_knows_are_ignored_and_counted(void **state)
{
    static const uint32_t keys[][2] = {
        {9, 9}, {0, 0}, {UINT32_MAX, 1}, {1, UINT32_MAX}, {UINT32_MAX, UINT32_MAX - 1}};
    enum {
        KEYS = sizeof(keys) / sizeof(*keys)
    };
    struct scene *scene = *state;
    turn_start(scene, turn_without_time);
    for (int i = 0; i < KEYS; i++) {
        larshm_host host = turn_host(1);
        host.modid = keys[i][0];
        host.cmdid = keys[i][1];
        report_failures(scene, host);
    }
    eventually(unknown_reports(scene) == KEYS * 2 * TURN_STREAK);
    for (int i = 0; i < KEYS; i++) {
        struct standing standing;
        assert_false(standings_read(&scene->fetcher, route_key(keys[i][0], keys[i][1]), 0, &standing));
    }
    expect_nothing_changed(scene);
    directory_expect_nothing(&scene->directory, 50);
}

static void what_is_no_host_is_refused_at_once(void **state)
{
    struct scene *scene = *state;
    larshm_host no_key = turn_host(1), no_address = turn_host(1), no_port = turn_host(1);
    no_key.modid = no_key.cmdid = UINT32_MAX;
    no_address.addr = 0;
    no_port.port = 0;
    turn_start(scene, turn_without_time);
    assert_int_equal(larshm_report(scene->client, &no_key, 1), LARSHM_BAD_ARGUMENT);
    assert_int_equal(larshm_report(scene->client, &no_address, 1), LARSHM_BAD_ARGUMENT);
    assert_int_equal(larshm_report(scene->client, &no_port, 1), LARSHM_BAD_ARGUMENT);
    expect_nothing_changed(scene);
}

static void any_retcode_but_zero_is_a_failure(void **state)
{
    static const int retcodes[] = {INT_MIN, -1, 1, 2, 65536, INT_MAX};
    enum {
        RETCODES = sizeof(retcodes) / sizeof(*retcodes)
    };
    struct scene *scene = *state;
    const larshm_host host = turn_host(1);
    turn_start(scene, turn_without_time);
    for (int i = 0; i < RETCODES; i++)
        assert_int_equal(larshm_report_timed(scene->client, &host, retcodes[i], UINT32_MAX), LARSHM_OK);
    assert_int_equal(larshm_report_timed(scene->client, &host, 0, UINT32_MAX), LARSHM_OK);
    eventually(turn_counted(scene, 1, RETCODES + 1));
    assert_int_equal(turn_standing(scene, 1).total_err, RETCODES);
    assert_int_equal(turn_standing(scene, 1).verr, RETCODES);
}

static void route_that_has_vanished_takes_no_results(void **state)
{
    struct scene *scene = *state;
    turn_start(scene, turn_without_time);
    turn_eject(scene, 1);
    directory_deny(&scene->directory, 1, 1);
    eventually(scene_lookup(scene, 1, 1) == LARSHM_NOEXIST);
    report_failures(scene, turn_host(1));
    eventually(unknown_reports(scene) == 2 * TURN_STREAK);
    assert_int_equal(standings_count(&scene->fetcher, route_key(1, 1)), 0);
    assert_int_equal(fetcher_counter(&scene->fetcher, COUNTER_overloaded), 0);
    assert_int_equal(scene_lookup(scene, 1, 1), LARSHM_NOEXIST);
    scene_answer(scene, 1, 1, TURN_HOSTS, TURN_PORT);
    eventually(scene_info(scene, 1, 1).hosts == TURN_HOSTS);
    turn_expect_all(scene->client);
}

/* Any client can make the fetcher remember such routes for a while. Their records would stay for ever. */
static void routes_that_do_not_exist_get_no_records(void **state)
{
    struct scene *scene = *state;
    turn_start(scene, turn_without_time);
    for (uint32_t i = 0; i < VANISHED_ROUTES; i++) {
        larshm_host host = turn_host(1);
        host.modid = 9;
        host.cmdid = i;
        assert_int_equal(scene_lookup(scene, 9, i), LARSHM_PENDING);
        directory_expect(&scene->directory, 9, i);
        directory_deny(&scene->directory, 9, i);
        assert_int_equal(larshm_wait_route(scene->client, 9, i, PATIENCE_MS), LARSHM_NOEXIST);
        assert_int_equal(larshm_report(scene->client, &host, 1), LARSHM_OK);
    }
    eventually(unknown_reports(scene) == VANISHED_ROUTES);
    for (uint32_t i = 0; i < VANISHED_ROUTES; i++) {
        struct standing standing;
        assert_false(standings_read(&scene->fetcher, route_key(9, i), 0, &standing));
    }
}

/* ---- without end ---- */

static _Noreturn void lie(const char *instance)
{
    const larshm_host host = turn_host(LIAR_HOST);
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
    struct scene *scene = *state;
    unsigned picked = 0, since_last = 0;
    turn_start(scene, "[loadbalance]\noverload_timeout = 1\n");
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        lie(scene->fetcher.instance);
    eventually(turn_overloaded(scene, LIAR_HOST));
    for (uint64_t end = clock_tick() + LIE_MS; clock_tick() < end;) {
        bool is_it = turn_pick(scene->client, 1).of[LIAR_HOST];
        since_last = is_it ? 0 : since_last + 1;
        picked += is_it;
        /* A period of probes that a good host's turn has cut into two. */
        assert_in_range(since_last, 0, 2 * TURN_PERIOD);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_true(picked > 0);
    eventually(fetcher_counter(&scene->fetcher, COUNTER_ejections) >= 2);
    assert_true(scene_serves(scene, 1, 1, TURN_HOSTS, TURN_PORT));
    eventually(!turn_overloaded(scene, LIAR_HOST));
    turn_expect_all(scene->client);
}

static int report_storm(struct scene *scene)
{
    int taken = 0;
    for (int i = 0; i < STORM; i++) {
        larshm_host host = turn_host(1);
        host.addr = htonl((uint32_t)(STORM_ADDRESS + i));
        int code = larshm_report(scene->client, &host, 1);
        assert_true(code == LARSHM_OK || code == LARSHM_FULL);
        taken += code == LARSHM_OK;
    }
    return taken;
}

static bool is_taken(struct scene *scene, int last)
{
    const larshm_host host = turn_host(last);
    return larshm_report(scene->client, &host, 0) == LARSHM_OK;
}

static void million_hosts_that_do_not_exist_cost_bounded_memory_and_keep_nobody_out_for_long(void **state)
{
    struct scene *scene = *state;
    turn_start(scene, turn_without_time);
    turn_report(scene->client, 1, 0, 1);
    eventually(turn_counted(scene, 1, 1));
    long before = process_memory(&scene->fetcher.process);
    int taken = report_storm(scene);
    assert_true(taken < STORM);
    eventually(unknown_reports(scene) == (uint64_t)taken);
    assert_in_range(process_memory(&scene->fetcher.process), 1, before + STORM_KIB);
    assert_int_equal(standings_count(&scene->fetcher, route_key(1, 1)), 1);
    assert_true(scene_serves(scene, 1, 1, TURN_HOSTS, TURN_PORT));
    /* One that had a place keeps it; the others find one when the liars' places are taken away. */
    for (int last = 1; last <= TURN_HOSTS; last++)
        eventually(is_taken(scene, last));
    for (int last = 2; last <= TURN_HOSTS; last++)
        eventually(turn_counted(scene, last, 1));
    assert_true(fetcher_counter(&scene->fetcher, COUNTER_reports_refused) >= (uint64_t)(STORM - taken));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene_test(hosts_that_the_route_does_not_have_are_ignored_and_counted),
        scene_test(routes_that_nobody_knows_are_ignored_and_counted),
        scene_test(what_is_no_host_is_refused_at_once),
        scene_test(any_retcode_but_zero_is_a_failure),
        scene_test(route_that_has_vanished_takes_no_results),
        scene_test(routes_that_do_not_exist_get_no_records),
        scene_test(failures_without_end_do_not_put_a_host_out_of_reach),
        scene_test(million_hosts_that_do_not_exist_cost_bounded_memory_and_keep_nobody_out_for_long),
    };
    return cmocka_run_group_tests_name("integration/misreport", tests, NULL, NULL);
}
