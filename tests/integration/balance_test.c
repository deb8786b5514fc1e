/* SPDX-License-Identifier: MIT */
/* Which hosts clients are given, after what clients have reported: the rules of Lars, shared by a whole machine. */
#include <arpa/inet.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/log.h"
#include "tests/support/rotation.h"

enum {
    BAD = 2, /* the host that a test is about */
    CLIENTS = 4,
    CALLS = 4000, /* of each client */
};

/* ---- a process of its own ---- */

static pid_t start_child(const struct fixture *fixture, int (*life)(larshm *client, int number), int number)
{
    pid_t child = fork();
    larshm *client;
    assert_true(child >= 0);
    if (child > 0)
        return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (larshm_open(&client, fixture->fetcher.instance) != LARSHM_OK)
        _exit(1);
    int status = life(client, number);
    larshm_close(client);
    _exit(status);
}

static void expect_good_end(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int fail_in_a_row(larshm *client, int last)
{
    rotation_report(client, last, 1, ROTATION_STREAK);
    return 0;
}

/* ---- judging ---- */

static void failures_in_a_row_take_a_host_out_for_all_processes(void **state)
{
    struct fixture *fixture = *state;
    rotation_start(fixture, rotation_without_time);
    rotation_expect_all(fixture->client);
    expect_good_end(start_child(fixture, fail_in_a_row, BAD));
    eventually(rotation_overloaded(fixture, BAD));
    assert_int_equal(rotation_health(fixture, BAD).reason, REASON_ERR_STREAK);
    rotation_expect_probes_only(fixture->client, BAD);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_overloaded), 1);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_ejections), 1);
}

static larshm_host_info info_of(larshm *client, int last)
{
    const in_addr_t addr = rotation_host(last).addr;
    larshm_hosts hosts;
    larshm_host_info info, found = {.known = 0};
    assert_int_equal(larshm_hosts_begin(client, 1, 1, &hosts), LARSHM_OK);
    while (larshm_hosts_next(&hosts, &info) == LARSHM_OK)
        if (info.host.addr == addr)
            found = info;
    larshm_hosts_end(client, &hosts);
    return found;
}

static void programs_learn_why_a_host_is_ejected_and_for_how_long(void **state)
{
    struct fixture *fixture = *state;
    rotation_start(fixture, "[loadbalance]\noverload_timeout = 60\n");
    rotation_report(fixture->client, BAD, 0, 3);
    eventually(rotation_counted(fixture, BAD, 3));
    larshm_host_info info = info_of(fixture->client, BAD);
    assert_int_equal(info.known, 1);
    assert_int_equal(info.state, LARSHM_HOST_IN_ROTATION);
    assert_int_equal(info.share, 8);
    assert_int_equal(info.successes, 3);
    assert_int_equal(info.window_successes, 3);
    rotation_eject(fixture, BAD);
    info = info_of(fixture->client, BAD);
    assert_int_equal(info.state, LARSHM_HOST_EJECTED);
    assert_int_equal(info.share, 0);
    assert_int_equal(info.reason, LARSHM_REASON_ERR_STREAK);
    assert_int_equal(info.value, ROTATION_STREAK);
    assert_int_equal(info.failures, ROTATION_STREAK);
    assert_int_equal(info.ejections, 1);
    assert_in_range(info.ejected_left_ms + info.reason_age_ms, 59000, 61000);
    info = info_of(fixture->client, BAD + 1);
    assert_int_equal(info.known, 1);
    assert_int_equal(info.failures, 0);
}

static void one_failure_less_in_a_row_ejects_no_host(void **state)
{
    struct fixture *fixture = *state;
    rotation_start(fixture, rotation_without_time);
    rotation_report(fixture->client, BAD, 1, ROTATION_STREAK - 1);
    eventually(rotation_counted(fixture, BAD, ROTATION_STREAK - 1));
    assert_false(rotation_overloaded(fixture, BAD));
    rotation_expect_all(fixture->client);
    rotation_report(fixture->client, BAD, 1, 1);
    eventually(rotation_overloaded(fixture, BAD));
}

static void streak_that_ends_between_two_polls_is_not_lost(void **state)
{
    struct fixture *fixture = *state;
    fixture->fetcher.config.poll_interval_ms = 400;
    rotation_start(fixture, rotation_without_time);
    eventually(fixture_info(fixture, 1, 1).fetcher_silent_ms > 150);
    eventually(fixture_info(fixture, 1, 1).fetcher_silent_ms < 100); /* a poll is just over */
    rotation_report(fixture->client, BAD, 1, ROTATION_STREAK);
    rotation_report(fixture->client, BAD, 0, 1);
    eventually(rotation_counted(fixture, BAD, ROTATION_STREAK + 1));
    assert_true(rotation_overloaded(fixture, BAD));
}

static void ejected_host_recovers_in_time_without_calls(void **state)
{
    struct fixture *fixture = *state;
    rotation_start(fixture, "[loadbalance]\noverload_timeout = 1\nslow_start = 0\n");
    rotation_eject(fixture, BAD);
    uint64_t out_since = rotation_health(fixture, BAD).since;
    eventually(!rotation_overloaded(fixture, BAD));
    assert_int_equal(rotation_health(fixture, BAD).reason, REASON_TIMEOUT);
    assert_true(rotation_health(fixture, BAD).since >= out_since + 1000);
    rotation_expect_all(fixture->client);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_overloaded), 0);
}

/* Of 100 picks for each host it gets some 14 at first, and no more than 60 if the machine is slow. */
static void host_that_is_back_gets_few_picks_at_first_and_its_share_after_slow_start(void **state)
{
    struct fixture *fixture = *state;
    rotation_start(fixture, "[loadbalance]\noverload_timeout = 1\nslow_start = 3\n");
    rotation_eject(fixture, BAD);
    eventually(!rotation_overloaded(fixture, BAD));
    const unsigned times = 100 * ROTATION_HOSTS;
    unsigned first = rotation_pick(fixture->client, times).of[BAD];
    assert_in_range(first, 1, 60);
    eventually(rotation_pick(fixture->client, times).of[BAD] > 95);
    rotation_expect_all(fixture->client);
}

static void successful_probes_bring_a_host_back(void **state)
{
    struct fixture *fixture = *state;
    rotation_start(fixture, rotation_without_time);
    rotation_eject(fixture, BAD);
    rotation_report(fixture->client, BAD, 0, 1);
    rotation_report(fixture->client, BAD, 1, 1);
    rotation_report(fixture->client, BAD, 0, 2);
    eventually(!rotation_overloaded(fixture, BAD));
    assert_int_equal(rotation_health(fixture, BAD).reason, REASON_SUCC_STREAK);
    rotation_expect_all(fixture->client);
}

static void no_good_host_means_overload_but_for_probes_of_each(void **state)
{
    struct fixture *fixture = *state;
    larshm_host picked;
    unsigned overloads = 0, probed[ROTATION_HOSTS + 1] = {0}, often = 0;
    rotation_start(fixture,
                   "[loadbalance]\nmax_ejected = 100\noverload_timeout = 3600\nidle_timeout = 3600\n");
    for (int last = 1; last <= ROTATION_HOSTS; last++)
        rotation_report(fixture->client, last, 1, ROTATION_STREAK);
    eventually(larshm_get_host(fixture->client, 1, 1, &picked) == LARSHM_OVERLOAD);
    while (often < ROTATION_HOSTS)
        if (larshm_get_host(fixture->client, 1, 1, &picked) == LARSHM_OK)
            often += ++probed[ntohl(picked.addr) & 0xff] == 4;
        else
            overloads++;
    assert_true(overloads > 2 * ROTATION_HOSTS);
}

/* ---- beyond Lars ---- */

static int fail_every_call(larshm *client, int number)
{
    (void)number;
    for (int call = 0; call < CALLS; call++) {
        larshm_host picked;
        if (larshm_get_host(client, 1, 1, &picked) != LARSHM_OK ||
            larshm_report(client, &picked, 1) != LARSHM_OK)
            return 1;
        usleep(call % 64 == 0);
    }
    return 0;
}

static void program_whose_calls_all_fail_takes_no_route_from_the_others(void **state)
{
    struct fixture *fixture = *state;
    rotation_start(fixture, rotation_without_time);
    pid_t failing = start_child(fixture, fail_every_call, 0);
    for (int i = 0; i < 50; i++)
        assert_int_equal(rotation_pick(fixture->client, ROTATION_PICKS).of[0], 0);
    expect_good_end(failing);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_overloaded) == ROTATION_HOSTS / 2);
    assert_int_equal(rotation_pick(fixture->client, ROTATION_PICKS).of[0], 0);
}

/* ---- the log ---- */

/* Of all hosts at a time: the fetcher finds the failures together. */
static void fail_all(struct fixture *fixture)
{
    process_signal(&fixture->fetcher.process, SIGSTOP);
    for (int last = 1; last <= ROTATION_HOSTS; last++)
        rotation_report(fixture->client, last, 1, ROTATION_STREAK);
    process_signal(&fixture->fetcher.process, SIGCONT);
}

static void each_of_a_few_hosts_at_a_time_has_a_line_of_its_own(void **state)
{
    struct fixture *fixture = *state;
    const struct process *fetcher = &fixture->fetcher.process;
    rotation_start(fixture, "[loadbalance]\noverload_timeout = 2\nmax_overload_timeout = 2\n");
    for (uint64_t round = 1; round <= 2; round++) {
        fail_all(fixture);
        eventually(fetcher_counter(&fixture->fetcher, COUNTER_ejections) == 2 * round);
        eventually(fetcher_counter(&fixture->fetcher, COUNTER_overloaded) == 0);
    }
    eventually(process_said(fetcher, " is back in rotation: ejected for 2 s\n") == 4);
    assert_int_equal(process_said(fetcher, "ejected for 2 s (number 1 in a row): 10 failures in a row\n"), 2);
    assert_int_equal(process_said(fetcher, "ejected for 2 s (number 2 in a row): 10 failures in a row\n"), 2);
    assert_int_equal(process_said(fetcher, " spared, because max_ejected allows no more hosts"), 4);
    assert_int_equal(process_said(fetcher, "more"), 4); /* nothing was left out */
}

static void lines_that_are_left_out_are_counted_with_those_of_their_kind(void **state)
{
    enum {
        ROUNDS = 8
    };
    struct fixture *fixture = *state;
    const struct process *fetcher = &fixture->fetcher.process;
    rotation_start(fixture, "[loadbalance]\noverload_timeout = 3600\nidle_timeout = 3600\nmax_ejected = 0\n");
    for (int round = 1; round <= ROUNDS; round++) {
        fail_all(fixture);
        eventually(rotation_counted(fixture, ROTATION_HOSTS, (uint64_t)round * ROTATION_STREAK));
    }
    eventually(process_said(fetcher, " more times a host was spared: larshm list shows which are\n") > 0);
    assert_in_range(process_said(fetcher, " spared, because max_ejected"), LOG_BURST,
                    ROUNDS * ROTATION_HOSTS - 1);
    assert_int_equal(process_said(fetcher, "ejected for"), 0);
}

static void route_without_a_host_in_rotation_is_said_once_for_all_that_went_out(void **state)
{
    struct fixture *fixture = *state;
    rotation_start(fixture, "[loadbalance]\noverload_timeout = 3600\nmax_ejected = 100\n");
    fail_all(fixture);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_ejections) == ROTATION_HOSTS);
    eventually(process_said(&fixture->fetcher.process,
                            "route 1/1: no host is in rotation: larshm list shows why\n") == 1);
}

/* ---- slow calls, windows ---- */

/* 4 % fail: seldom enough. But for one of the hosts each failure takes ten times slow_call_ms. */
static void slow_failures_take_a_host_out_though_they_are_few(void **state)
{
    struct fixture *fixture = *state;
    const larshm_host slow = rotation_host(BAD), quick = rotation_host(BAD + 1);
    rotation_start(fixture,
                   "[loadbalance]\noverload_timeout = 3600\nidle_timeout = 3600\nslow_call_ms = 100\n");
    /* Judged as one batch: had it been ejected amid them, the successes after that would have brought it back. */
    process_signal(&fixture->fetcher.process, SIGSTOP);
    for (int call = 0; call < 300; call++) {
        int retcode = call % 25 == 24;
        assert_int_equal(larshm_report_timed(fixture->client, &slow, retcode, 1000), LARSHM_OK);
        assert_int_equal(larshm_report_timed(fixture->client, &quick, retcode, 199), LARSHM_OK);
    }
    process_signal(&fixture->fetcher.process, SIGCONT);
    eventually(rotation_counted(fixture, BAD, 300) && rotation_counted(fixture, BAD + 1, 300));
    assert_true(rotation_overloaded(fixture, BAD));
    assert_int_equal(rotation_health(fixture, BAD).reason, REASON_ERR_RATE);
    assert_false(rotation_overloaded(fixture, BAD + 1));
    assert_int_equal(rotation_health(fixture, BAD).total_err, 12);
}

static const char short_windows[] =
    "[loadbalance]\noverload_timeout = 3600\nidle_timeout = 1\nwindow_min_calls = 9\n";

static void window_of_few_calls_ejects_no_host_and_one_of_enough_calls_does(void **state)
{
    enum {
        FEW = BAD,
        ENOUGH = BAD + 1
    };
    struct fixture *fixture = *state;
    rotation_start(fixture, short_windows);
    rotation_report(fixture->client, FEW, 1, ROTATION_STREAK - 2);
    rotation_report(fixture->client, ENOUGH, 1, ROTATION_STREAK - 1);
    eventually(rotation_overloaded(fixture, ENOUGH));
    assert_int_equal(rotation_health(fixture, ENOUGH).reason, REASON_WINDOW);
    eventually(rotation_health(fixture, FEW).rerr == 0);
    assert_int_equal(rotation_health(fixture, FEW).total_err, ROTATION_STREAK - 2);
    assert_false(rotation_overloaded(fixture, FEW));
}

/* ---- many processes ---- */

/* Host 2 fails 3 calls of 5, host 3 one of 20, the others none. */
static int call_hosts(larshm *client, int number)
{
    unsigned calls[ROTATION_HOSTS + 1] = {0};
    (void)number;
    for (int call = 0; call < CALLS; call++) {
        larshm_host picked;
        if (larshm_get_host(client, 1, 1, &picked) != LARSHM_OK)
            return 1;
        uint32_t last = ntohl(picked.addr) & 0xff;
        unsigned nth = calls[last]++;
        int retcode = last == BAD ? nth % 5 != 2 && nth % 5 != 4 : last == 3 ? nth % 20 == 19 : 0;
        if (larshm_report(client, &picked, retcode) != LARSHM_OK)
            return 1;
        usleep(call % 64 == 0);
    }
    return 0;
}

static void several_processes_agree_on_good_and_bad_hosts(void **state)
{
    struct fixture *fixture = *state;
    pid_t clients[CLIENTS];
    /* Two calls in a row of host 2 may succeed: it stays out all the same. */
    rotation_start(fixture,
                   "[loadbalance]\noverload_timeout = 3600\nidle_timeout = 3600\nrecover_successes = 1000\n");
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = start_child(fixture, call_hosts, i);
    for (int i = 0; i < CLIENTS; i++)
        expect_good_end(clients[i]);
    eventually(host_health_sum(&fixture->fetcher, route_key(1, 1)).succ +
                   host_health_sum(&fixture->fetcher, route_key(1, 1)).err ==
               CLIENTS * CALLS);
    assert_true(rotation_overloaded(fixture, BAD));
    for (int last = 1; last <= ROTATION_HOSTS; last++)
        if (last != BAD)
            assert_false(rotation_overloaded(fixture, last));
    assert_int_equal(rotation_health(fixture, 1).total_err, 0);
    rotation_expect_probes_only(fixture->client, BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(failures_in_a_row_take_a_host_out_for_all_processes),
        fixture_test(programs_learn_why_a_host_is_ejected_and_for_how_long),
        fixture_test(one_failure_less_in_a_row_ejects_no_host),
        fixture_test(streak_that_ends_between_two_polls_is_not_lost),
        fixture_test(ejected_host_recovers_in_time_without_calls),
        fixture_test(host_that_is_back_gets_few_picks_at_first_and_its_share_after_slow_start),
        fixture_test(successful_probes_bring_a_host_back),
        fixture_test(no_good_host_means_overload_but_for_probes_of_each),
        fixture_test(program_whose_calls_all_fail_takes_no_route_from_the_others),
        fixture_test(lines_that_are_left_out_are_counted_with_those_of_their_kind),
        fixture_test(each_of_a_few_hosts_at_a_time_has_a_line_of_its_own),
        fixture_test(route_without_a_host_in_rotation_is_said_once_for_all_that_went_out),
        fixture_test(slow_failures_take_a_host_out_though_they_are_few),
        fixture_test(window_of_few_calls_ejects_no_host_and_one_of_enough_calls_does),
        fixture_test(several_processes_agree_on_good_and_bad_hosts),
    };
    return cmocka_run_group_tests_name("integration/balance", tests, NULL, NULL);
}
