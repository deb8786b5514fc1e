/* SPDX-License-Identifier: MIT */
/* A report service that is away, comes back, moves, is mute or talks nonsense. */
#include <string.h>
#include <sys/socket.h>

#include "tests/support/service.h"

enum {
    HUGE_ROUTE = 6500,
    HUGE_ROUTES = 60,
    BETWEEN_MS = 50,
    MEMORY_SLACK_KIB = 16 * 1024,
};

static void no_connection_is_made_without_results_to_report(void **state)
{
    struct fixture *fixture = *state;
    directory_listen(&service);
    fixture_connect_with_good_route(fixture);
    assert_false(directory_accepts(&service, SERVICE_QUIET_MS));
}

static void service_that_is_away_disturbs_nothing_and_is_mentioned_once(void **state)
{
    struct fixture *fixture = *state;
    fixture_connect_with_good_route(fixture);
    service_good_call(fixture, HOST(1), 0, 1);
    eventually(process_said(&fixture->fetcher.process, "report service 127.0.0.1:") > 0);
    throughout(SERVICE_ROUND_MS + SERVICE_QUIET_MS, fixture_info(fixture, 7, 7).connected);
    assert_int_equal(process_said(&fixture->fetcher.process, "report service 127.0.0.1:"), 1);
    assert_int_equal(process_said(&fixture->fetcher.process, "connection refused; trying again in"), 1);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_connect_failures), 0);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_results_sent), 0);
    assert_true(fixture_serves_good_route(fixture));
}

static void reports_go_on_after_a_restart_of_the_service(void **state)
{
    struct fixture *fixture = *state;
    service_connect(fixture);
    directory_refuse(&service);
    service_good_call(fixture, HOST(1), 0, 2);
    directory_listen(&service);
    directory_accept(&service);
    service_good_call(fixture, HOST(1), 0, 4);
    service_expect_reported(HOST(1), 7, 0);
    assert_true(fixture_info(fixture, 7, 7).connected);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_disconnects), 0);
}

static void what_a_broken_connection_lost_is_reported_again(void **state)
{
    struct fixture *fixture = *state;
    fixture_connect_with_good_route(fixture);
    service_good_call(fixture, HOST(1), 0, 5);
    service_good_call(fixture, HOST(2), 1, 2);
    service_meet(fixture, 7);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_results_sent) == 1);
    directory_reset(&service);
    directory_accept(&service);
    Lars__ReportStatusRequest *report = service_expect();
    assert_int_equal(report_of(report, HOST(1))->succ, 5);
    assert_int_equal(report_of(report, HOST(2))->err, 2);
    report_free(report);
    service_expect_nothing(SERVICE_ROUND_MS + SERVICE_QUIET_MS); /* once is enough */
}

static void reload_moves_to_another_service_leaves_it_and_comes_back(void **state)
{
    struct fixture *fixture = *state;
    struct directory old;
    service_connect(fixture);
    old = service;
    directory_open(&service);
    directory_listen(&service);
    fixture->fetcher.config.reporter_port = service.port;
    service_reload(fixture);
    directory_expect_end(&old);
    directory_close(&old);
    directory_accept(&service);
    service_good_call(fixture, HOST(1), 0, 4);
    service_expect_reported(HOST(1), 5, 0);

    fixture->fetcher.config.reporter_port = 0;
    service_reload(fixture);
    directory_expect_end(&service);
    service_good_call(fixture, HOST(1), 0, 4);
    assert_false(directory_accepts(&service, SERVICE_QUIET_MS));

    fixture->fetcher.config.reporter_port = service.port;
    service_reload(fixture);
    directory_accept(&service);
    service_expect_reported(HOST(1), 9, 0);
    assert_true(fixture_info(fixture, 7, 7).connected);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_disconnects), 0);
}

static void what_the_service_sends_is_thrown_away(void **state)
{
    struct fixture *fixture = *state;
    static uint8_t garbage[100000];
    memset(garbage, 0xff, sizeof(garbage));
    service_connect(fixture);
    directory_send(&service, garbage, sizeof(garbage));
    directory_answer(&service, 7, 7, NULL, 0);
    service_good_call(fixture, HOST(1), 0, 1);
    service_expect_reported(HOST(1), 2, 0);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_bad_frames), 0);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_unknown_messages), 0);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_answers), 1);
    assert_true(fixture_serves_good_route(fixture));
}

static void learn_huge_routes(struct fixture *fixture)
{
    static struct wire_host hosts[HUGE_ROUTE];
    for (int i = 0; i < HUGE_ROUTE; i++)
        hosts[i] = (struct wire_host){(int32_t)HOST((uint32_t)i + 1), SERVICE_PORT};
    for (uint32_t route = 100; route < 100 + HUGE_ROUTES; route++) {
        fixture_lookup_until_asked(fixture, 7, route);
        directory_answer(&fixture->directory, 7, route, hosts, HUGE_ROUTE);
    }
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_routes) == HUGE_ROUTES + 1);
}

static void service_that_never_reads_costs_bounded_memory_and_is_disconnected(void **state)
{
    struct fixture *fixture = *state;
    /* We say so, or the kernel says that it timed out: the first to notice. */
    const char *const lost = "larshm-fetcher: report service 127.0.0.1:";
    int least = 1;
    directory_listen(&service);
    assert_int_equal(setsockopt(service.listener, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least)), 0);
    fixture_connect_with_good_route(fixture);
    learn_huge_routes(fixture);
    fixture->fetcher.config.request_timeout_ms = 300;
    fixture->fetcher.config.probe_interval_ms = 700;
    service_reload(fixture);
    service_good_call(fixture, HOST(1), 0, 1);
    directory_accept(&service);
    long before = process_memory(&fixture->fetcher.process);
    for (uint64_t rounds = 0; process_said(&fixture->fetcher.process, lost) == 0; rounds++) {
        for (uint32_t route = 100; route < 100 + HUGE_ROUTES; route++)
            service_call(fixture, route, HOST(2), 0, 1);
        assert_true(rounds < EVENTUALLY_MS / BETWEEN_MS);
        assert_true(process_memory(&fixture->fetcher.process) <= before + MEMORY_SLACK_KIB);
        pause_ms(BETWEEN_MS);
    }
    /* From now on it reads, but slowly, through so small a buffer. */
    fixture->fetcher.config.request_timeout_ms = EVENTUALLY_MS;
    service_reload(fixture);
    directory_accept(&service);
    service_good_call(fixture, HOST(1), 0, 3);
    service_expect_reported(HOST(1), 4, 0);
}

static void fetcher_stops_cleanly_while_it_connects_to_the_service(void **state)
{
    struct fixture *fixture = *state;
    directory_listen(&service);
    directory_clog(&service);
    fixture_connect_with_good_route(fixture);
    service_good_call(fixture, HOST(1), 0, 1);
    pause_ms(SERVICE_QUIET_MS);
    fetcher_stop(&fixture->fetcher);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        service_test(no_connection_is_made_without_results_to_report),
        service_test(service_that_is_away_disturbs_nothing_and_is_mentioned_once),
        service_test(reports_go_on_after_a_restart_of_the_service),
        service_test(what_a_broken_connection_lost_is_reported_again),
        service_test(reload_moves_to_another_service_leaves_it_and_comes_back),
        service_test(what_the_service_sends_is_thrown_away),
        service_test(service_that_never_reads_costs_bounded_memory_and_is_disconnected),
        service_test(fetcher_stops_cleanly_while_it_connects_to_the_service),
    };
    return cmocka_run_group_tests_name("integration/service", tests, NULL, NULL);
}
