/* SPDX-License-Identifier: MIT */
/* Answers that are as long as Lars lets them be, and longer. */
#include <arpa/inet.h>

#include "lars.pb-c.h"
#include "tests/support/fixture.h"

enum {
    LARGEST_ROUTE = 10920, /* hosts of 6 bytes each that fit into a frame of Lars */
    HIGH_ROUTE = 10900,    /* hosts of 17 bytes each */
    QUIET_MS = 300,
    MEGABYTE = 1 << 20,
};

/* An answer that comes later is published: nothing before it has upset the connection. */
static void expect_connection_in_order(struct fixture *fixture)
{
    fixture_answer(fixture, 7, 7, 1, 81);
    eventually(fixture_serves(fixture, 7, 7, 1, 81));
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_disconnects), 0);
    assert_true(process_alive(&fixture->fetcher.process));
}

static void largest_route_is_published_whole_beside_the_others(void **state)
{
    struct fixture *fixture = *state;
    static struct wire_host wire[LARGEST_ROUTE];
    static larshm_host hosts[LARGEST_ROUTE + 1];
    size_t count = 0;
    for (int i = 0; i < LARGEST_ROUTE; i++)
        wire[i] = (struct wire_host){.ip = 1 + i / 127, .port = 1 + i % 127};
    fixture_connect_with_good_route(fixture);
    directory_answer(&fixture->directory, 1, 2, wire, LARGEST_ROUTE);
    eventually(fixture_info(fixture, 1, 2).hosts == LARGEST_ROUTE);
    assert_int_equal(larshm_get_route(fixture->client, 1, 2, hosts, LARGEST_ROUTE + 1, &count), LARSHM_OK);
    assert_int_equal(count, LARGEST_ROUTE);
    for (int i = 0; i < LARGEST_ROUTE; i++) {
        assert_int_equal(ntohl(hosts[i].addr), wire[i].ip);
        assert_int_equal(ntohs(hosts[i].port), wire[i].port);
    }
    expect_connection_in_order(fixture);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_unusable_hosts), 0);
}

/* From 128.0.0.0 up. */
static void push_high_route(struct fixture *fixture, uint32_t modid, uint32_t cmdid, int count)
{
    static struct wire_host wire[HOSTS_MAX + 1];
    for (int i = 0; i < count; i++)
        wire[i] = (struct wire_host){INT32_MIN + i, 65535};
    directory_answer(&fixture->directory, modid, cmdid, wire, (size_t)count);
}

static void g2_route_longer_than_lars_own_limit_is_published_whole(void **state)
{
    struct fixture *fixture = *state;
    static larshm_host hosts[HIGH_ROUTE + 1];
    size_t count = 0;
    fixture_connect_with_good_route(fixture);
    push_high_route(fixture, 1, 2, HIGH_ROUTE);
    eventually(fixture_info(fixture, 1, 2).hosts == HIGH_ROUTE);
    assert_int_equal(larshm_get_route(fixture->client, 1, 2, hosts, HIGH_ROUTE + 1, &count), LARSHM_OK);
    assert_int_equal(count, HIGH_ROUTE);
    for (uint32_t i = 0; i < HIGH_ROUTE; i++)
        assert_int_equal(ntohl(hosts[i].addr), 0x80000000 + i);
    expect_connection_in_order(fixture);
}

static void g2_route_of_more_hosts_than_a_table_holds_is_refused_whole(void **state)
{
    struct fixture *fixture = *state;
    fixture_connect_with_good_route(fixture);
    push_high_route(fixture, 7, 7, HOSTS_MAX + 1);
    fixture_expect_survival(fixture, COUNTER_crowded_answers, "route 7/7: refusing an answer of more than");
    expect_connection_in_order(fixture);
}

static void frame_longer_than_max_frame_is_skipped_and_its_route_not_requested(void **state)
{
    struct fixture *fixture = *state;
    fixture->fetcher.config.update_timeout = 1;
    fixture->fetcher.config.more = "[fetcher]\nmax_frame = 64K\n";
    fixture_connect_with_good_route(fixture);
    push_high_route(fixture, 7, 7, HIGH_ROUTE);
    fixture_expect_survival(fixture, COUNTER_long_frames, "route 7/7: skipping an answer of");
    eventually(fixture_info(fixture, 7, 7).expired);
    assert_int_equal(fixture_lookup(fixture, 7, 7), LARSHM_OK);
    directory_expect_nothing(&fixture->directory, QUIET_MS);
    expect_connection_in_order(fixture);
}

/* Each megabyte has the time that a short frame has. */
static void long_frame_that_goes_on_has_time_and_one_that_stalls_has_not(void **state)
{
    struct fixture *fixture = *state;
    static uint8_t megabyte[MEGABYTE];
    uint8_t header[FRAME_HEADER];
    fixture->fetcher.config.frame_timeout_ms = 1000;
    fixture_connect_with_good_route(fixture);
    frame_header(header, LARS__MESSAGE_ID__ID_GetRouteResponse, 20 * MEGABYTE);
    uint64_t begin = clock_tick();
    directory_send(&fixture->directory, header, sizeof(header));
    for (int i = 0; i < 20; i++) {
        directory_send(&fixture->directory, megabyte, sizeof(megabyte));
        pause_ms(100);
    }
    assert_true(clock_tick() - begin > 1000);
    expect_connection_in_order(fixture);
    directory_send(&fixture->directory, header, sizeof(header));
    directory_expect_end(&fixture->directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(largest_route_is_published_whole_beside_the_others),
        fixture_test(g2_route_longer_than_lars_own_limit_is_published_whole),
        fixture_test(g2_route_of_more_hosts_than_a_table_holds_is_refused_whole),
        fixture_test(frame_longer_than_max_frame_is_skipped_and_its_route_not_requested),
        fixture_test(long_frame_that_goes_on_has_time_and_one_that_stalls_has_not),
    };
    return cmocka_run_group_tests_name("integration/long_answers", tests, NULL, NULL);
}
