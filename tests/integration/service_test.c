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

static void nobody_is_connected_to_while_nobody_reports(void **state)
{
    struct scene *scene = *state;
    directory_listen(&service);
    scene_connect_with_good_route(scene);
    assert_false(directory_accepts(&service, SERVICE_QUIET_MS));
}

static void service_that_is_away_disturbs_nothing_and_is_mentioned_once(void **state)
{
    struct scene *scene = *state;
    scene_connect_with_good_route(scene);
    service_good_call(scene, HOST(1), 0, 1);
    eventually(process_said(&scene->fetcher.process, "report service 127.0.0.1:") > 0);
    throughout(SERVICE_ROUND_MS + SERVICE_QUIET_MS, scene_info(scene, 7, 7).connected);
    assert_int_equal(process_said(&scene->fetcher.process, "report service 127.0.0.1:"), 1);
    assert_int_equal(process_said(&scene->fetcher.process, "connection refused; trying again in"), 1);
    assert_int_equal(fetcher_counter(&scene->fetcher, COUNTER_connect_failures), 0);
    assert_int_equal(fetcher_counter(&scene->fetcher, COUNTER_results_sent), 0);
    assert_true(scene_serves_good_route(scene));
}

static void service_that_was_restarted_is_told_on(void **state)
{
    struct scene *scene = *state;
    service_connect(scene);
    directory_refuse(&service);
    service_good_call(scene, HOST(1), 0, 2);
    directory_listen(&service);
    directory_accept(&service);
    service_good_call(scene, HOST(1), 0, 4);
    service_expect_told(HOST(1), 7, 0);
    assert_true(scene_info(scene, 7, 7).connected);
    assert_int_equal(fetcher_counter(&scene->fetcher, COUNTER_disconnects), 0);
}

static void what_a_connection_took_along_when_it_broke_is_told_again(void **state)
{
    struct scene *scene = *state;
    scene_connect_with_good_route(scene);
    service_good_call(scene, HOST(1), 0, 5);
    service_good_call(scene, HOST(2), 1, 2);
    service_meet(scene, 7);
    eventually(fetcher_counter(&scene->fetcher, COUNTER_results_sent) == 1);
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
    struct scene *scene = *state;
    struct directory old;
    service_connect(scene);
    old = service;
    directory_open(&service);
    directory_listen(&service);
    scene->fetcher.config.reporter_port = service.port;
    service_reload(scene);
    directory_expect_end(&old);
    directory_close(&old);
    directory_accept(&service);
    service_good_call(scene, HOST(1), 0, 4);
    service_expect_told(HOST(1), 5, 0);

    scene->fetcher.config.reporter_port = 0;
    service_reload(scene);
    directory_expect_end(&service);
    service_good_call(scene, HOST(1), 0, 4);
    assert_false(directory_accepts(&service, SERVICE_QUIET_MS));

    scene->fetcher.config.reporter_port = service.port;
    service_reload(scene);
    directory_accept(&service);
    service_expect_told(HOST(1), 9, 0);
    assert_true(scene_info(scene, 7, 7).connected);
    assert_int_equal(fetcher_counter(&scene->fetcher, COUNTER_disconnects), 0);
}

static void what_the_service_sends_is_thrown_away(void **state)
{
    struct scene *scene = *state;
    static uint8_t garbage[100000];
    memset(garbage, 0xff, sizeof(garbage));
    service_connect(scene);
    directory_send(&service, garbage, sizeof(garbage));
    directory_answer(&service, 7, 7, NULL, 0);
    service_good_call(scene, HOST(1), 0, 1);
    service_expect_told(HOST(1), 2, 0);
    assert_int_equal(fetcher_counter(&scene->fetcher, COUNTER_bad_frames), 0);
    assert_int_equal(fetcher_counter(&scene->fetcher, COUNTER_unknown_messages), 0);
    assert_int_equal(fetcher_counter(&scene->fetcher, COUNTER_answers), 1);
    assert_true(scene_serves_good_route(scene));
}

static void learn_huge_routes(struct scene *scene)
{
    static struct wire_host hosts[HUGE_ROUTE];
    for (int i = 0; i < HUGE_ROUTE; i++)
        hosts[i] = (struct wire_host){(int32_t)HOST((uint32_t)i + 1), SERVICE_PORT};
    for (uint32_t route = 100; route < 100 + HUGE_ROUTES; route++) {
        scene_lookup_until_asked(scene, 7, route);
        directory_answer(&scene->directory, 7, route, hosts, HUGE_ROUTE);
    }
    eventually(fetcher_counter(&scene->fetcher, COUNTER_routes) == HUGE_ROUTES + 1);
}

static void service_that_never_reads_costs_bounded_memory_and_is_left(void **state)
{
    struct scene *scene = *state;
    /* We say so, or the kernel says that it timed out: whoever notices first. */
    const char *const lost = "larshm-fetcher: report service 127.0.0.1:";
    int least = 1;
    directory_listen(&service);
    assert_int_equal(setsockopt(service.listener, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least)), 0);
    scene_connect_with_good_route(scene);
    learn_huge_routes(scene);
    scene->fetcher.config.request_timeout_ms = 300;
    scene->fetcher.config.probe_interval_ms = 700;
    service_reload(scene);
    service_good_call(scene, HOST(1), 0, 1);
    directory_accept(&service);
    long before = process_memory(&scene->fetcher.process);
    for (uint64_t rounds = 0; process_said(&scene->fetcher.process, lost) == 0; rounds++) {
        for (uint32_t route = 100; route < 100 + HUGE_ROUTES; route++)
            service_call(scene, route, HOST(2), 0, 1);
        assert_true(rounds < PATIENCE_MS / BETWEEN_MS);
        assert_true(process_memory(&scene->fetcher.process) <= before + MEMORY_SLACK_KIB);
        pause_ms(BETWEEN_MS);
    }
    /* From now on it reads, but slowly, through so small a buffer. */
    scene->fetcher.config.request_timeout_ms = PATIENCE_MS;
    service_reload(scene);
    directory_accept(&service);
    service_good_call(scene, HOST(1), 0, 3);
    service_expect_told(HOST(1), 4, 0);
}

static void fetcher_stops_in_good_order_while_it_tries_to_reach_the_service(void **state)
{
    struct scene *scene = *state;
    directory_listen(&service);
    directory_clog(&service);
    scene_connect_with_good_route(scene);
    service_good_call(scene, HOST(1), 0, 1);
    pause_ms(SERVICE_QUIET_MS);
    fetcher_stop(&scene->fetcher);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        service_test(nobody_is_connected_to_while_nobody_reports),
        service_test(service_that_is_away_disturbs_nothing_and_is_mentioned_once),
        service_test(service_that_was_restarted_is_told_on),
        service_test(what_a_connection_took_along_when_it_broke_is_told_again),
        service_test(reload_moves_to_another_service_leaves_it_and_comes_back),
        service_test(what_the_service_sends_is_thrown_away),
        service_test(service_that_never_reads_costs_bounded_memory_and_is_left),
        service_test(fetcher_stops_in_good_order_while_it_tries_to_reach_the_service),
    };
    return cmocka_run_group_tests_name("integration/service", tests, NULL, NULL);
}
