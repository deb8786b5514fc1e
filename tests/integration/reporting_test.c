/* SPDX-License-Identifier: MIT */
/* What clients report, as a report service of Lars gets it. */
#include <string.h>
#include <time.h>

#include "tests/support/service.h"

enum {
    BIG_ROUTE = 5000,
    BETWEEN_MS = 50,
};

static void results_arrive_as_they_were_reported(void **state)
{
    struct fixture *fixture = *state;
    const struct {
        uint32_t succ, err;
    } expected[] = {{10, 3}, {0, 0}, {0, 2}, {0, 0}};
    uint32_t before = (uint32_t)time(NULL);
    fixture_connect_with_good_route(fixture);
    service_good_call(fixture, HOST(1), 0, 10);
    service_good_call(fixture, HOST(1), 1, 3);
    service_good_call(fixture, HOST(3), -7, 2);
    service_meet(fixture, 15);

    Lars__ReportStatusRequest *report = service_expect();
    assert_int_equal(report->modid, 7);
    assert_int_equal(report->cmdid, 7);
    assert_int_equal(report->caller, INADDR_LOOPBACK);
    assert_in_range(report->ts, before, time(NULL));
    assert_int_equal(report->n_results, 4);
    for (uint32_t i = 0; i < 4; i++) {
        const Lars__HostCallResult *result = report_of(report, HOST(i + 1));
        assert_int_equal(result->port, SERVICE_PORT);
        assert_int_equal(result->succ, expected[i].succ);
        assert_int_equal(result->err, expected[i].err);
        assert_false(result->overload);
    }
    report_free(report);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_results_sent) == 1);
}

static void caller_is_the_address_that_is_configured(void **state)
{
    struct fixture *fixture = *state;
    fixture->fetcher.config.more = "[reporter]\ncaller = 192.168.7.9\n";
    fixture_connect_with_good_route(fixture);
    service_good_call(fixture, HOST(1), 0, 1);
    service_meet(fixture, 1);
    Lars__ReportStatusRequest *report = service_expect();
    assert_true((uint32_t)report->caller == UINT32_C(0xc0a80709));
    report_free(report);
}

static void overloaded_host_is_reported_as_such_and_its_neighbour_is_not(void **state)
{
    struct fixture *fixture = *state;
    fixture_connect_with_good_route(fixture);
    service_good_call(fixture, HOST(1), 0, 50);
    service_good_call(fixture, HOST(2), 1, 50);
    service_meet(fixture, 100);
    Lars__ReportStatusRequest *report = service_expect();
    assert_false(report_of(report, HOST(1))->overload);
    assert_true(report_of(report, HOST(2))->overload);
    assert_int_equal(report_of(report, HOST(2))->err, 50);
    report_free(report);
}

static void addresses_from_128_up_are_reported_as_they_came(void **state)
{
    struct fixture *fixture = *state;
    const struct wire_host hosts[] = {{(int32_t)0xc0a80001, SERVICE_PORT},
                                      {(int32_t)0x80000000, SERVICE_PORT}};
    fixture_connect_with_good_route(fixture);
    directory_answer(&fixture->directory, 7, 7, hosts, 2);
    eventually(fixture_info(fixture, 7, 7).hosts == 2);
    service_good_call(fixture, 0xc0a80001, 0, 5);
    service_meet(fixture, 5);
    Lars__ReportStatusRequest *report = service_expect();
    assert_int_equal(report->n_results, 2);
    assert_int_equal(report_of(report, 0xc0a80001)->succ, 5);
    assert_int_equal(report_of(report, 0x80000000)->succ, 0);
    report_free(report);
}

static void only_routes_with_new_results_are_reported_and_each_once_per_interval(void **state)
{
    struct fixture *fixture = *state;
    fixture_connect_with_good_route(fixture);
    fixture_learn(fixture, 7, 8, 3, SERVICE_PORT);
    service_call(fixture, 8, HOST(1), 0, 1);
    service_meet(fixture, 1);
    uint64_t begun = clock_tick();
    for (uint32_t reported = 1; reported <= 2; reported++) {
        Lars__ReportStatusRequest *report = service_expect();
        assert_int_equal(report->cmdid, 8);
        assert_int_equal(report_of(report, HOST(1))->succ, reported);
        report_free(report);
        if (reported == 1)
            service_call(fixture, 8, HOST(1), 0, 1);
    }
    assert_true(clock_tick() >= begun + SERVICE_ROUND_MS);
    service_expect_nothing(SERVICE_ROUND_MS + SERVICE_QUIET_MS);
}

static void large_route_is_reported_in_several_frames_each_host_once(void **state)
{
    struct fixture *fixture = *state;
    static struct wire_host hosts[BIG_ROUTE];
    static bool seen[BIG_ROUTE];
    for (int i = 0; i < BIG_ROUTE; i++)
        hosts[i] = (struct wire_host){(int32_t)HOST((uint32_t)i + 1), SERVICE_PORT};
    memset(seen, 0, sizeof(seen));
    fixture_connect_with_good_route(fixture);
    directory_answer(&fixture->directory, 7, 7, hosts, BIG_ROUTE);
    eventually(fixture_info(fixture, 7, 7).hosts == BIG_ROUTE);
    for (uint32_t i = 0; i < 3; i++)
        service_good_call(fixture, HOST(1 + i * (BIG_ROUTE / 2 - 1)), 0, 5);
    service_meet(fixture, 15);

    size_t count = 0;
    unsigned frames = 0;
    uint64_t succ = 0;
    while (count < BIG_ROUTE) {
        Lars__ReportStatusRequest *report = service_expect();
        for (size_t i = 0; i < report->n_results; i++) {
            uint32_t number = (uint32_t)report->results[i]->ip - HOST(1);
            assert_true(number < BIG_ROUTE && !seen[number]);
            seen[number] = true;
            succ += report->results[i]->succ;
        }
        count += report->n_results;
        frames++;
        report_free(report);
    }
    assert_true(frames > 1);
    assert_int_equal(succ, 15);
}

static void results_are_summed_while_the_service_is_away(void **state)
{
    struct fixture *fixture = *state;
    /* Windows end, and their counts start again, before the report. */
    fixture->fetcher.config.more = "[loadbalance]\nidle_timeout = 1\n";
    fixture_connect_with_good_route(fixture);
    uint64_t begun = clock_tick();
    uint32_t succ = 0, err = 0;
    while (clock_tick() < begun + 3 * SERVICE_ROUND_MS / 2) {
        service_good_call(fixture, HOST(1), 0, 100);
        service_good_call(fixture, HOST(1), 1, 3);
        succ += 100;
        err += 3;
        pause_ms(BETWEEN_MS);
    }
    service_meet(fixture, succ + err);
    Lars__ReportStatusRequest *report = service_expect();
    assert_int_equal(report_of(report, HOST(1))->succ, succ);
    assert_int_equal(report_of(report, HOST(1))->err, err);
    report_free(report);
}

static void directory_that_is_away_does_not_keep_results_back(void **state)
{
    struct fixture *fixture = *state;
    service_connect(fixture);
    directory_refuse(&fixture->directory);
    eventually(!fixture_info(fixture, 7, 7).connected);
    service_good_call(fixture, HOST(1), 0, 4);
    service_expect_reported(HOST(1), 5, 0);
}

/* A change of state each time, failures once until the route's turn comes. */
static void failures_and_changes_of_state_do_not_wait_for_the_interval(void **state)
{
    struct fixture *fixture = *state;
    fixture->fetcher.config.report_interval = 3600;
    service_connect(fixture);
    service_good_call(fixture, HOST(1), 0, 1);
    service_expect_nothing(SERVICE_QUIET_MS);
    service_good_call(fixture, HOST(2), 1, 1);
    service_expect_reported(HOST(2), 0, 1);
    service_good_call(fixture, HOST(2), 1, 1);
    service_expect_nothing(SERVICE_QUIET_MS);
    service_good_call(fixture, HOST(2), 1, 50);
    Lars__ReportStatusRequest *report = service_expect();
    assert_true(report_of(report, HOST(2))->overload);
    assert_int_equal(report_of(report, HOST(1))->succ, 2);
    report_free(report);
    service_expect_nothing(SERVICE_QUIET_MS);
}

static void reload_changes_the_interval_at_once(void **state)
{
    struct fixture *fixture = *state;
    fixture->fetcher.config.report_interval = 3600;
    service_connect(fixture);
    service_good_call(fixture, HOST(1), 0, 1);
    service_expect_nothing(SERVICE_ROUND_MS + SERVICE_QUIET_MS);
    fixture->fetcher.config.report_interval = 1;
    service_reload(fixture);
    service_expect_reported(HOST(1), 2, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        service_test(results_arrive_as_they_were_reported),
        service_test(caller_is_the_address_that_is_configured),
        service_test(overloaded_host_is_reported_as_such_and_its_neighbour_is_not),
        service_test(addresses_from_128_up_are_reported_as_they_came),
        service_test(only_routes_with_new_results_are_reported_and_each_once_per_interval),
        service_test(large_route_is_reported_in_several_frames_each_host_once),
        service_test(results_are_summed_while_the_service_is_away),
        service_test(directory_that_is_away_does_not_keep_results_back),
        service_test(failures_and_changes_of_state_do_not_wait_for_the_interval),
        service_test(reload_changes_the_interval_at_once),
    };
    return cmocka_run_group_tests_name("integration/reporting", tests, NULL, NULL);
}
