/* SPDX-License-Identifier: MIT */
/* A directory that is away, comes and goes, or is there and says nothing. */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/fixture.h"

enum {
    ATTEMPTS = 12,
    FIRST = 3, /* attempts while the pauses still grow */
    UNKNOWN_KEYS = 20000,
};

static int by_size(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static void directory_that_fails_is_tried_more_and_more_rarely_and_never_in_step(void **state)
{
    struct fixture *fixture = *state;
    uint64_t gaps[ATTEMPTS], *last = gaps + ATTEMPTS / 2;
    const size_t last_count = ATTEMPTS - ATTEMPTS / 2;
    fixture->fetcher.config.reconnect_min_ms = 20;
    fixture->fetcher.config.reconnect_max_ms = 300;
    fixture_connect(fixture);
    for (int i = 0; i < ATTEMPTS; i++) {
        uint64_t before = clock_tick();
        directory_reset(&fixture->directory);
        directory_accept(&fixture->directory);
        gaps[i] = clock_tick() - before;
    }
    /* A busy machine makes some gaps longer, none shorter: the least of the early ones, the middle late one. */
    qsort(gaps, FIRST, sizeof(*gaps), by_size);
    qsort(last, last_count, sizeof(*last), by_size);
    assert_true(gaps[0] < last[last_count / 2]);
    assert_true(last[0] > 300 / 3);
    assert_true(last[last_count - 1] - last[0] > 5);
    assert_true(process_said(&fixture->fetcher.process, "trying again in") > 0);
    fixture_learn(fixture, 1, 2, 3, 80);
}

static void directory_that_was_down_is_found_again_and_resubscribed(void **state)
{
    struct fixture *fixture = *state;
    fixture_connect_with_good_route(fixture);
    directory_refuse(&fixture->directory);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_connect_failures) >= 20);
    fixture_expect_survival(fixture, COUNTER_disconnects, "connection refused");
    assert_false(fixture_info(fixture, 7, 7).connected);

    directory_listen(&fixture->directory);
    directory_accept(&fixture->directory);
    directory_expect(&fixture->directory, 7, 7);
    fixture_answer(fixture, 7, 7, 2, 81);
    eventually(fixture_serves(fixture, 7, 7, 2, 81));
    assert_true(fixture_info(fixture, 7, 7).connected);
}

/* At most a line of each kind per second, however fast the directory comes and goes. */
static void log_stays_small_while_the_directory_flaps(void **state)
{
    struct fixture *fixture = *state;
    uint64_t begin = clock_tick();
    fixture->fetcher.config.reconnect_min_ms = 1;
    fixture->fetcher.config.reconnect_max_ms = 2;
    fixture_connect_with_good_route(fixture);
    for (int i = 0; i < 50; i++) {
        directory_reset(&fixture->directory);
        directory_accept(&fixture->directory);
        directory_expect(&fixture->directory, 7, 7);
        fixture_answer(fixture, 7, 7, 4, 7000);
    }
    fixture_expect_survival(fixture, COUNTER_disconnects, "trying again in");
    unsigned connected = process_said(&fixture->fetcher.process, "connected to directory");
    unsigned lost = process_said(&fixture->fetcher.process, "trying again in");
    unsigned seconds = (unsigned)(clock_tick() - begin) / 1000 + 1;
    assert_in_range(connected, 1, seconds);
    assert_in_range(lost, 1, seconds);
}

static void silent_directory_is_probed_and_then_disconnected(void **state)
{
    struct fixture *fixture = *state;
    fixture->fetcher.config.request_timeout_ms = 100;
    fixture->fetcher.config.probe_interval_ms = 200;
    fixture_connect_with_good_route(fixture);
    directory_expect(&fixture->directory, 7, 7);
    directory_expect_end(&fixture->directory);
    directory_accept(&fixture->directory);
    fixture_expect_survival(fixture, COUNTER_disconnects, "no response");
    assert_true(fetcher_counter(&fixture->fetcher, COUNTER_timeouts) > 0);
}

/* All routes are requested at once, and an answer comes when the time-out has passed several times. */
static void directory_that_delivers_an_answer_now_and_then_is_kept(void **state)
{
    enum {
        ROUTES = 6,
        TRICKLE_MS = 500,
    };
    struct fixture *fixture = *state;
    fixture->fetcher.config.request_timeout_ms = 50;
    fixture->fetcher.config.probe_interval_ms = 100;
    fixture_connect(fixture);
    for (uint32_t i = 0; i < ROUTES; i++)
        assert_int_equal(fixture_lookup(fixture, 1, i), LARSHM_PENDING);
    for (uint32_t i = 0; i < ROUTES; i++) {
        struct route_key key;
        usleep(TRICKLE_MS * 1000);
        assert_true(directory_takes(&fixture->directory, EVENTUALLY_MS, &key));
        fixture_answer(fixture, key.modid, key.cmdid, 1, 80);
    }
    for (uint32_t i = 0; i < ROUTES; i++)
        eventually(fixture_serves(fixture, 1, i, 1, 80));
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_disconnects), 0);
}

/* As one does that has a route which it cannot send. */
static void directory_that_answers_all_but_one_route_is_kept(void **state)
{
    struct fixture *fixture = *state;
    fixture->fetcher.config.request_timeout_ms = 100;
    fixture->fetcher.config.probe_interval_ms = 400;
    fixture_connect_with_good_route(fixture);
    uint64_t end = clock_tick() + 2500;
    unsigned unanswered = 0;
    while (clock_tick() < end) {
        struct route_key key;
        fixture_lookup(fixture, 8, 8);
        if (!directory_takes(&fixture->directory, 20, &key))
            continue;
        if (route_key_equal(key, route_key(7, 7)))
            fixture_answer(fixture, 7, 7, 4, 80);
        else
            unanswered++;
    }
    assert_true(unanswered > 1);
    assert_int_equal(process_said(&fixture->fetcher.process, "no response"), 0);
}

static void directory_that_answers_probes_is_kept(void **state)
{
    struct fixture *fixture = *state;
    fixture->fetcher.config.request_timeout_ms = 10000;
    fixture->fetcher.config.probe_interval_ms = 100;
    fixture_connect_with_good_route(fixture);
    for (int i = 0; i < 5; i++) {
        directory_expect(&fixture->directory, 7, 7);
        fixture_answer(fixture, 7, 7, 4, 7000);
    }
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_refreshes) == 5);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_disconnects), 0);
}

static void first_request_that_is_not_answered_shows_that_the_peer_is_gone(void **state)
{
    struct fixture *fixture = *state;
    fixture->fetcher.config.request_timeout_ms = 100;
    fixture->fetcher.config.probe_interval_ms = 100;
    fixture_connect(fixture);
    assert_int_equal(fixture_lookup(fixture, 1, 2), LARSHM_PENDING);
    directory_expect(&fixture->directory, 1, 2);
    directory_expect_end(&fixture->directory);
    directory_accept(&fixture->directory);
    fixture_learn(fixture, 1, 2, 3, 80);
}

/* The time-out of requests, shorter here, must not cut attempts short: a far directory could never be reached. */
static void attempt_that_is_not_answered_ends_after_its_own_time_out(void **state)
{
    struct fixture *fixture = *state;
    fixture->fetcher.config.request_timeout_ms = 50;
    fixture->fetcher.config.probe_interval_ms = 100;
    fixture->fetcher.config.connect_timeout_ms = 1000;
    fixture_connect_with_good_route(fixture);
    directory_expect(&fixture->directory, 7, 7);
    directory_clog(&fixture->directory);
    directory_reset(&fixture->directory);
    fixture_expect_survival(fixture, COUNTER_connect_failures, "connecting timed out");
    assert_int_equal(process_said(&fixture->fetcher.process, "no response"), 0);

    directory_unclog(&fixture->directory);
    directory_accept(&fixture->directory);
    directory_expect(&fixture->directory, 7, 7);
    fixture_answer(fixture, 7, 7, 2, 81);
    eventually(fixture_serves(fixture, 7, 7, 2, 81));
}

static void peer_that_never_reads_costs_a_bounded_amount_of_memory(void **state)
{
    struct fixture *fixture = *state;
    int least = 1;
    fixture->fetcher.config.request_timeout_ms = 300;
    fixture->fetcher.config.probe_interval_ms = 100;
    directory_listen(&fixture->directory);
    assert_int_equal(setsockopt(fixture->directory.listener, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least)),
                     0);
    fixture_start(fixture);
    directory_accept(&fixture->directory);
    fixture_learn(fixture, 7, 7, 4, 7000);
    long before = process_memory(&fixture->fetcher.process);
    for (uint32_t i = 0; i < UNKNOWN_KEYS; i++)
        fixture_lookup(fixture, 1, i);
    assert_true(directory_accepts(&fixture->directory, EVENTUALLY_MS));
    fixture_expect_survival(fixture, COUNTER_disconnects, "no response");
    assert_in_range(process_memory(&fixture->fetcher.process), 1, before + 32 * 1024);
}

static void name_that_does_not_resolve_is_tried_again(void **state)
{
    struct fixture *fixture = *state;
    fixture->fetcher.config.host = "nonexistent.invalid";
    fixture->fetcher.config.connect_timeout_ms = 500;
    fixture_start(fixture);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_connect_failures) >= 2);
    assert_true(process_said(&fixture->fetcher.process, "directory nonexistent.invalid:") > 0);
    assert_true(process_alive(&fixture->fetcher.process));
    assert_int_equal(fixture_lookup(fixture, 1, 2), LARSHM_PENDING);
}

static void host_name_is_as_good_as_an_address(void **state)
{
    struct fixture *fixture = *state;
    fixture->fetcher.config.host = "localhost";
    fixture_connect(fixture);
    fixture_learn(fixture, 1, 2, 3, 80);
}

static void write_hosts(const char *path, const char *address)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "%s moving.larshm.test\n", address);
    fclose(file);
}

static int forget_hosts(void **state)
{
    fixture_teardown(state);
    umount2("/etc/hosts", MNT_DETACH);
    return 0;
}

/* In a mount namespace of our own, /etc/hosts is ours to write: the file at `path`. */
static bool own_hosts(const char *path, const char *address)
{
    write_hosts(path, address);
    if (geteuid() == 0 && unshare(CLONE_NEWNS) == 0 &&
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
        mount(path, "/etc/hosts", NULL, MS_BIND, NULL) == 0)
        return true;
    unlink(path);
    print_message("mount namespaces are for root, on machines that allow them\n");
    return false;
}

/* Nothing listens at 127.0.0.2. */
static void directory_that_moves_is_found_by_its_name_again(void **state)
{
    struct fixture *fixture = *state;
    char hosts[64];
    snprintf(hosts, sizeof(hosts), "%s/hosts", fixture->fetcher.home);
    if (!own_hosts(hosts, "127.0.0.2"))
        skip();
    fixture->fetcher.config.host = "moving.larshm.test";
    directory_listen(&fixture->directory);
    fixture_start(fixture);
    eventually(process_said(&fixture->fetcher.process, "trying again in") > 0);
    write_hosts(hosts, "127.0.0.1");
    directory_accept(&fixture->directory);
    fixture_learn(fixture, 1, 2, 3, 80);
    unlink(hosts);
}

/* The directory is well where it was; its name says by now that it is elsewhere. */
static void reload_looks_the_name_up_again(void **state)
{
    struct fixture *fixture = *state;
    char hosts[64];
    snprintf(hosts, sizeof(hosts), "%s/hosts", fixture->fetcher.home);
    if (!own_hosts(hosts, "127.0.0.1"))
        skip();
    fixture->fetcher.config.host = "moving.larshm.test";
    fixture_connect(fixture);
    process_signal(&fixture->fetcher.process, SIGHUP);
    eventually(process_said(&fixture->fetcher.process, "reloaded") == 1);
    throughout(200, process_said(&fixture->fetcher.process, "connecting again") == 0);
    write_hosts(hosts, "127.0.0.2");
    process_signal(&fixture->fetcher.process, SIGHUP);
    eventually(process_said(&fixture->fetcher.process, "has another address: connecting again") == 1);
    eventually(process_said(&fixture->fetcher.process, "trying again in") > 0);
    write_hosts(hosts, "127.0.0.1");
    directory_accept(&fixture->directory);
    fixture_learn(fixture, 1, 2, 3, 80);
    unlink(hosts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(directory_that_fails_is_tried_more_and_more_rarely_and_never_in_step),
        fixture_test(directory_that_was_down_is_found_again_and_resubscribed),
        fixture_test(log_stays_small_while_the_directory_flaps),
        fixture_test(silent_directory_is_probed_and_then_disconnected),
        fixture_test(directory_that_delivers_an_answer_now_and_then_is_kept),
        fixture_test(directory_that_answers_probes_is_kept),
        fixture_test(directory_that_answers_all_but_one_route_is_kept),
        fixture_test(first_request_that_is_not_answered_shows_that_the_peer_is_gone),
        fixture_test(attempt_that_is_not_answered_ends_after_its_own_time_out),
        fixture_test(peer_that_never_reads_costs_a_bounded_amount_of_memory),
        fixture_test(name_that_does_not_resolve_is_tried_again),
        fixture_test(host_name_is_as_good_as_an_address),
        cmocka_unit_test_setup_teardown(directory_that_moves_is_found_by_its_name_again, fixture_setup,
                                        forget_hosts),
        cmocka_unit_test_setup_teardown(reload_looks_the_name_up_again, fixture_setup, forget_hosts),
    };
    return cmocka_run_group_tests_name("integration/connection", tests, NULL, NULL);
}
