/* SPDX-License-Identifier: MIT */
/* Which hosts clients are given, after what clients have reported: the rules of Lars, shared by a whole machine. */
#include <arpa/inet.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/rotation.h"

enum {
    BAD = 2, /* the host that a test is about */
    PLAYERS = 4,
    CALLS = 4000, /* of each player */
};

/* ---- a process of its own ---- */

static pid_t start_child(const struct scene *scene, int (*life)(larshm *client, int number), int number)
{
    pid_t child = fork();
    larshm *client;
    assert_true(child >= 0);
    if (child > 0)
        return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (larshm_open(&client, scene->fetcher.instance) != LARSHM_OK)
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
    turn_report(client, last, 1, TURN_STREAK);
    return 0;
}

/* ---- judging ---- */

static void failures_in_a_row_take_a_host_out_for_all_processes(void **state)
{
    struct scene *scene = *state;
    turn_start(scene, turn_without_time);
    turn_expect_all(scene->client);
    expect_good_end(start_child(scene, fail_in_a_row, BAD));
    eventually(turn_overloaded(scene, BAD));
    assert_int_equal(turn_standing(scene, BAD).reason, REASON_ERR_STREAK);
    turn_expect_probes_only(scene->client, BAD);
    assert_int_equal(fetcher_counter(&scene->fetcher, COUNTER_overloaded), 1);
    assert_int_equal(fetcher_counter(&scene->fetcher, COUNTER_ejections), 1);
}

static void one_failure_less_in_a_row_takes_nobody_out(void **state)
{
    struct scene *scene = *state;
    turn_start(scene, turn_without_time);
    turn_report(scene->client, BAD, 1, TURN_STREAK - 1);
    eventually(turn_counted(scene, BAD, TURN_STREAK - 1));
    assert_false(turn_overloaded(scene, BAD));
    turn_expect_all(scene->client);
    turn_report(scene->client, BAD, 1, 1);
    eventually(turn_overloaded(scene, BAD));
}

static void streak_that_ends_between_two_polls_is_not_lost(void **state)
{
    struct scene *scene = *state;
    scene->fetcher.config.poll_interval_ms = 400;
    turn_start(scene, turn_without_time);
    eventually(scene_info(scene, 1, 1).fetcher_silent_ms > 150);
    eventually(scene_info(scene, 1, 1).fetcher_silent_ms < 100); /* a poll is just over */
    turn_report(scene->client, BAD, 1, TURN_STREAK);
    turn_report(scene->client, BAD, 0, 1);
    eventually(turn_counted(scene, BAD, TURN_STREAK + 1));
    assert_true(turn_overloaded(scene, BAD));
}

static void overloaded_host_is_good_again_in_time_though_nobody_calls_it(void **state)
{
    struct scene *scene = *state;
    turn_start(scene, "[loadbalance]\noverload_timeout = 1\n");
    turn_eject(scene, BAD);
    uint64_t out_since = turn_standing(scene, BAD).since;
    eventually(!turn_overloaded(scene, BAD));
    assert_int_equal(turn_standing(scene, BAD).reason, REASON_TIMEOUT);
    assert_true(turn_standing(scene, BAD).since >= out_since + 1000);
    turn_expect_all(scene->client);
    assert_int_equal(fetcher_counter(&scene->fetcher, COUNTER_overloaded), 0);
}

static void successful_probes_bring_a_host_back(void **state)
{
    struct scene *scene = *state;
    turn_start(scene, turn_without_time);
    turn_eject(scene, BAD);
    turn_report(scene->client, BAD, 0, 6); /* of 11, with the 5 failures that it was charged with */
    eventually(!turn_overloaded(scene, BAD));
    assert_int_equal(turn_standing(scene, BAD).reason, REASON_SUCC_RATE);
    turn_expect_all(scene->client);
}

static void no_good_host_means_overload_so_many_times_and_then_a_probe(void **state)
{
    struct scene *scene = *state;
    larshm_host picked;
    unsigned overloads = 0, probed[TURN_HOSTS + 1] = {0};
    turn_start(scene, turn_without_time);
    for (int last = 1; last <= TURN_HOSTS; last++)
        turn_report(scene->client, last, 1, TURN_STREAK);
    eventually(fetcher_counter(&scene->fetcher, COUNTER_overloaded) == TURN_HOSTS);
    while (larshm_get_host(scene->client, 1, 1, &picked) == LARSHM_OVERLOAD)
        assert_in_range(++overloads, 1, TURN_PROBE_NUM);
    for (int probe = 0; probe < 10 * TURN_HOSTS; probe++) {
        for (int i = 0; i < TURN_PROBE_NUM; i++)
            assert_int_equal(larshm_get_host(scene->client, 1, 1, &picked), LARSHM_OVERLOAD);
        assert_int_equal(larshm_get_host(scene->client, 1, 1, &picked), LARSHM_OK);
        probed[ntohl(picked.addr) & 0xff]++;
    }
    for (int last = 1; last <= TURN_HOSTS; last++)
        assert_int_equal(probed[last], 10);
}

/* ---- beyond Lars ---- */

/* 4 % fail: seldom enough. But for one of the hosts each failure takes ten times slow_call_ms. */
static void slow_failures_take_a_host_out_though_they_are_few(void **state)
{
    struct scene *scene = *state;
    const larshm_host slow = turn_host(BAD), quick = turn_host(BAD + 1);
    turn_start(scene, "[loadbalance]\noverload_timeout = 3600\nidle_timeout = 3600\nslow_call_ms = 100\n");
    /* Judged as one batch: had it been ejected amid them, the successes after that would have brought it back. */
    process_signal(&scene->fetcher.process, SIGSTOP);
    for (int call = 0; call < 300; call++) {
        int retcode = call % 25 == 24;
        assert_int_equal(larshm_report_timed(scene->client, &slow, retcode, 1000), LARSHM_OK);
        assert_int_equal(larshm_report_timed(scene->client, &quick, retcode, 199), LARSHM_OK);
    }
    process_signal(&scene->fetcher.process, SIGCONT);
    eventually(turn_counted(scene, BAD, 300) && turn_counted(scene, BAD + 1, 300));
    assert_true(turn_overloaded(scene, BAD));
    assert_int_equal(turn_standing(scene, BAD).reason, REASON_ERR_RATE);
    assert_false(turn_overloaded(scene, BAD + 1));
    assert_int_equal(turn_standing(scene, BAD).total_err, 12);
}

static const char short_windows[] =
    "[loadbalance]\noverload_timeout = 3600\nidle_timeout = 1\nwindow_min_calls = 10\n";

static void few_calls_take_a_host_out_after_two_bad_windows_in_a_row_and_enough_calls_after_one(void **state)
{
    enum {
        FEW = BAD,
        ENOUGH = BAD + 1
    };
    struct scene *scene = *state;
    turn_start(scene, short_windows);
    turn_report(scene->client, FEW, 1, 3);
    turn_report(scene->client, ENOUGH, 1, TURN_STREAK - 1);
    eventually(turn_standing(scene, FEW).bad_window);
    assert_false(turn_overloaded(scene, FEW));
    eventually(turn_overloaded(scene, ENOUGH));
    assert_int_equal(turn_standing(scene, ENOUGH).reason, REASON_WINDOW);
    turn_report(scene->client, FEW, 1, 3);
    eventually(turn_overloaded(scene, FEW));
    assert_int_equal(turn_standing(scene, FEW).reason, REASON_FEW_CALLS);
}

/* ---- many processes ---- */

/* Host 2 fails 3 calls of 5, host 3 one of 20, the others none. */
static int play(larshm *client, int number)
{
    unsigned calls[TURN_HOSTS + 1] = {0};
    (void)number;
    for (int call = 0; call < CALLS; call++) {
        larshm_host picked;
        if (larshm_get_host(client, 1, 1, &picked) != LARSHM_OK)
            return 1;
        uint32_t last = ntohl(picked.addr) & 0xff;
        unsigned turn = calls[last]++;
        int retcode = last == BAD ? turn % 5 != 2 && turn % 5 != 4 : last == 3 ? turn % 20 == 19 : 0;
        if (larshm_report(client, &picked, retcode) != LARSHM_OK)
            return 1;
        usleep(call % 64 == 0);
    }
    return 0;
}

static void several_processes_agree_on_good_and_bad_hosts(void **state)
{
    struct scene *scene = *state;
    pid_t players[PLAYERS];
    turn_start(scene, turn_without_time);
    for (int i = 0; i < PLAYERS; i++)
        players[i] = start_child(scene, play, i);
    for (int i = 0; i < PLAYERS; i++)
        expect_good_end(players[i]);
    eventually(standings_sum(&scene->fetcher, route_key(1, 1)).succ +
                   standings_sum(&scene->fetcher, route_key(1, 1)).err ==
               PLAYERS * CALLS);
    assert_true(turn_overloaded(scene, BAD));
    for (int last = 1; last <= TURN_HOSTS; last++)
        if (last != BAD)
            assert_false(turn_overloaded(scene, last));
    assert_int_equal(turn_standing(scene, 1).total_err, 0);
    turn_expect_probes_only(scene->client, BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene_test(failures_in_a_row_take_a_host_out_for_all_processes),
        scene_test(one_failure_less_in_a_row_takes_nobody_out),
        scene_test(streak_that_ends_between_two_polls_is_not_lost),
        scene_test(overloaded_host_is_good_again_in_time_though_nobody_calls_it),
        scene_test(successful_probes_bring_a_host_back),
        scene_test(no_good_host_means_overload_so_many_times_and_then_a_probe),
        scene_test(slow_failures_take_a_host_out_though_they_are_few),
        scene_test(few_calls_take_a_host_out_after_two_bad_windows_in_a_row_and_enough_calls_after_one),
        scene_test(several_processes_agree_on_good_and_bad_hosts),
    };
    return cmocka_run_group_tests_name("integration/balance", tests, NULL, NULL);
}
