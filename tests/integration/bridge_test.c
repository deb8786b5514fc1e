/* SPDX-License-Identifier: MIT */
/* What Lars clients get from the bridge: real sockets, a real process, real shared memory. */
#include <arpa/inet.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "proto/frame.h"
#include "shm/clock.h"
#include "shm/writer/call_stats.h"
#include "tests/integration/bridge_fixture.h"
#include "tests/support/by_key.h"

enum {
    SUCC = LARS__RET_CODE__RET_SUCC,
    OVERLOAD = LARS__RET_CODE__RET_OVERLOAD,
    NOEXIST = LARS__RET_CODE__RET_NOEXIST,
};

static void get_host_gives_each_host_of_the_route_one_after_the_other(void **state)
{
    struct bridge *bridge = *state;
    const struct host_addr hosts[] = {{.address = inet_addr("10.0.0.1"), .port = htons(80)},
                                      {.address = inet_addr("10.0.0.2"), .port = htons(65535)}};
    int fd = bridge_client(bridge), first = 0;
    bridge_put(bridge, 1, 2, hosts, 2);
    for (int i = 0; i < 1000; i++) {
        struct host_answer answer = client_get_host(fd, 1, 2);
        assert_int_equal(answer.retcode, SUCC);
        first += answer.ip == 0x0a000001;
        assert_int_equal(answer.port, answer.ip == 0x0a000001 ? 80 : 65535);
        assert_in_range(answer.ip, 0x0a000001, 0x0a000002);
    }
    assert_in_range(first, 480, 520);
    close(fd);
}

static void negative_keys_and_high_addresses_keep_their_bits(void **state)
{
    struct bridge *bridge = *state;
    int fd = bridge_client(bridge);
    bridge_put_one(bridge, INT32_MIN, -2, "128.0.0.0", 1);
    bridge_put_one(bridge, -1, 0, "255.255.255.254", 65535);
    bridge_put_one(bridge, 0, -1, "127.255.255.255", 128);
    client_expect_host(fd, INT32_MIN, -2, INT32_MIN, 1);
    client_expect_host(fd, -1, 0, -2, 65535);
    client_expect_host(fd, 0, -1, INT32_MAX, 128);
    close(fd);
}

static void unknown_route_does_not_exist_is_asked_for_and_is_there_in_a_moment(void **state)
{
    struct bridge *bridge = *state;
    int fd = bridge_client(bridge);
    assert_int_equal(client_get_host(fd, 7, -8).retcode, NOEXIST);
    struct keys missed = instance_missed(bridge->instance);
    assert_int_equal(missed.count, 1);
    assert_int_equal(missed.key[0], route_key_number(route_key(7, (uint32_t)-8)));
    bridge_put_one(bridge, 7, -8, "10.1.2.3", 4000);
    client_expect_host(fd, 7, -8, 0x0a010203, 4000);
    close(fd);
}

static void route_without_hosts_does_not_exist(void **state)
{
    struct bridge *bridge = *state;
    int fd = bridge_client(bridge);
    bridge_put(bridge, 3, 4, NULL, 0);
    assert_int_equal(client_get_host(fd, 3, 4).retcode, NOEXIST);
    assert_int_equal(client_get_host(fd, -1, -1).retcode, NOEXIST); /* the key that can be no route */
    close(fd);
}

static void expired_route_is_answered_at_once_and_asked_for_again(void **state)
{
    struct bridge *bridge = *state;
    int fd = bridge_client(bridge);
    instance_put(bridge->instance, route_key_number(route_key(5, 5)), 1, 3, 1);
    instance_heartbeat(bridge->instance, clock_tick() + 10000);
    assert_int_equal(client_get_host(fd, 5, 5).retcode, SUCC);
    assert_int_equal(instance_flagged(bridge->instance).count, 1);
    close(fd);
}

static void route_of_overloaded_hosts_answers_overload_but_for_probes(void **state)
{
    struct bridge *bridge = *state;
    uint32_t probe_num = bridge->instance->options.settings.probe_num;
    bridge->instance->options.settings.lars_rules = 1;
    writer_reload(bridge->instance->writer, &bridge->instance->options);
    unsigned probes = 0;
    int fd = bridge_client(bridge);
    bridge_put_one(bridge, 6, 6, "10.0.0.1", 80);
    set_rotation_by_key(bridge->instance->writer, route_key(6, 6), 0, true, false);
    for (unsigned i = 0; i < 10 * (probe_num + 1); i++) {
        struct host_answer answer = client_get_host(fd, 6, 6);
        if (answer.retcode == SUCC)
            probes++;
        else
            assert_int_equal(answer.retcode, OVERLOAD);
    }
    assert_int_equal(probes, 10);
    close(fd);
}

static void get_route_gives_all_hosts_and_none_of_an_unknown_route(void **state)
{
    struct bridge *bridge = *state;
    uint64_t key = route_key_number(route_key(40, (uint32_t)-41));
    uint32_t round = UINT32_MAX;
    int fd = bridge_client(bridge);
    Lars__GetRouteResponse *route = client_get_route(fd, 40, -41);
    assert_int_equal(route->n_host, 0);
    lars__get_route_response__free_unpacked(route, NULL);
    assert_int_equal(instance_missed(bridge->instance).count, 1);

    instance_put(bridge->instance, key, 9, 100, ROUTE_TTL_S);
    route = client_get_route(fd, 40, -41);
    assert_int_equal(route->n_host, 100);
    for (uint32_t i = 0; i < 100; i++)
        assert_true(self_checking_holds(
            key, i,
            (struct host_addr){htonl((uint32_t)route->host[i]->ip), htons((uint16_t)route->host[i]->port)},
            &round));
    lars__get_route_response__free_unpacked(route, NULL);
    close(fd);
}

static void put_many(struct bridge *bridge, uint32_t first_ip, uint16_t first_port)
{
    static struct host_addr hosts[10000];
    for (uint32_t i = 0; i < 10000; i++)
        hosts[i] = (struct host_addr){.address = htonl(first_ip + i / 100),
                                      .port = htons((uint16_t)(first_port + i % 100))};
    bridge_put(bridge, 1, 1, hosts, 10000);
}

static void expect_hosts(int fd, size_t count, uint32_t first_ip, int32_t first_port)
{
    Lars__GetRouteResponse *route = client_get_route(fd, 1, 1);
    assert_int_equal(route->n_host, count);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(route->host[i]->ip, (int32_t)(first_ip + i / 100));
        assert_int_equal(route->host[i]->port, first_port + (int32_t)(i % 100));
    }
    lars__get_route_response__free_unpacked(route, NULL);
}

static void route_of_ten_thousand_hosts_is_answered_whole(void **state)
{
    struct bridge *bridge = *state;
    int fd = bridge_client(bridge);
    put_many(bridge, 1, 1);
    expect_hosts(fd, 10000, 1, 1);
    close(fd);
    bridge_expect_totals(bridge, 1, 0, 0);
    assert_int_equal(process_said(&bridge->process, "answers too large: 0"), 1);
}

static void
g2_route_that_does_not_fit_is_answered_without_hosts_never_with_some_counted_and_logged(void **state)
{
    struct bridge *bridge = *state;
    int fd = bridge_client(bridge);
    put_many(bridge, 0xf0000000, 50000);
    expect_hosts(fd, 0, 0, 0);
    assert_int_equal(client_get_host(fd, 1, 1).retcode, 0);
    close(fd);
    bridge_expect_totals(bridge, 2, 0, 0);
    assert_int_equal(process_said(&bridge->process, "answers too large: 1"), 1);
    assert_int_equal(
        process_said(&bridge->process, "route 1/1: answered without hosts, as its 10000 do not fit"), 1);
}

static void any_port_answers_for_any_route(void **state)
{
    struct bridge *bridge = *state;
    bridge_put_one(bridge, 1, 1, "10.0.0.1", 80);
    bridge_put_one(bridge, 1, 2, "10.0.0.2", 80);
    for (int i = 0; i < BRIDGE_PORTS; i++) {
        int fd = client_open("127.0.0.1", bridge->ports[i]); /* hears only what comes from this port */
        client_expect_host(fd, 1, 1, 0x0a000001, 80);
        client_expect_host(fd, 1, 2, 0x0a000002, 80);
        close(fd);
    }
}

struct reported {
    uint64_t key, host, succ, err;
    unsigned hosts;
};

static bool record_report(void *context, const struct call_report *report)
{
    struct reported *reported = context;
    *reported = (struct reported){.key = route_key_number(report->key),
                                  .host = host_addr_word(report->host),
                                  .succ = reported->succ + report->batch.succ,
                                  .err = reported->err + report->batch.err,
                                  .hosts = reported->hosts + 1};
    return true;
}

static void report_reaches_exactly_the_host_that_was_given(void **state)
{
    static const char *const addresses[] = {"10.0.0.1", "127.255.255.255", "128.0.0.0", "255.255.255.254"};
    static const int32_t retcodes[] = {0, 0, 1, -1, INT32_MIN};
    struct bridge *bridge = *state;
    uint8_t bytes[REQUEST_BYTES];
    int fd = bridge_client(bridge);
    for (int32_t i = 0; i < 4; i++) {
        struct reported reported = {0};
        bridge_put_one(bridge, -1 - i, i, addresses[i], (uint16_t)(65535 - i));
        struct host_answer given = client_get_host(fd, -1 - i, i);
        for (size_t k = 0; k < sizeof(retcodes) / sizeof(*retcodes); k++)
            client_send(fd, bytes, report_request(bytes, -1 - i, i, given.ip, given.port, retcodes[k]));
        client_get_host(fd, -1 - i, i); /* all that was sent before has been seen */
        writer_set_judge(bridge->instance->writer, record_report, &reported);
        writer_collect_calls(bridge->instance->writer, UINT32_MAX, 1, clock_tick());
        assert_int_equal(reported.hosts, 1);
        assert_int_equal(reported.key, route_key_number(route_key((uint32_t)(-1 - i), (uint32_t)i)));
        assert_int_equal(reported.host, host_addr_word((struct host_addr){inet_addr(addresses[i]),
                                                                          htons((uint16_t)(65535 - i))}));
        assert_int_equal(reported.succ, 2);
        assert_int_equal(reported.err, 3);
    }
    writer_set_judge(bridge->instance->writer, NULL, NULL);
    close(fd);
    bridge_expect_totals(bridge, 8, 20, 0);
}

static void wrong_reports_are_counted_and_no_report_is_answered(void **state)
{
    static const int32_t no_ports[] = {0, -1, 65536, INT32_MIN};
    struct bridge *bridge = *state;
    uint8_t bytes[REQUEST_BYTES];
    int fd = bridge_client(bridge);
    for (size_t i = 0; i < sizeof(no_ports) / sizeof(*no_ports); i++)
        client_send(fd, bytes, report_request(bytes, 1, 1, 0x0a000001, no_ports[i], 0));
    client_send(fd, bytes, report_request(bytes, 1, 1, 0, 80, 0));
    frame_header(bytes, LARS__MESSAGE_ID__ID_ReportRequest, 0); /* no host at all */
    client_send(fd, bytes, FRAME_HEADER);
    client_send(fd, bytes,
                report_request(bytes, 1, 1, 0x0a000001, 80, 0)); /* an unknown route is not wrong */
    assert_true(client_hears_nothing(fd, 100));
    client_get_host(fd, 1, 1);
    close(fd);
    bridge_expect_totals(bridge, 1, 1, 6);
}

static void malformed_datagrams_are_dropped_counted_and_hinder_no_client(void **state)
{
    struct bridge *bridge = *state;
    static uint8_t bytes[DATAGRAM_BYTES];
    int fd = bridge_client(bridge);
    bridge_put_one(bridge, 1, 1, "10.0.0.1", 80);
    size_t size = host_request(bytes, 1, 1, 1);
    unsigned bad = 0;
    for (size_t k = 0; k < size; k++, bad++)
        client_send(fd, bytes, k);
    client_send(fd, bytes, size + 1);
    memset(bytes, 0xff, sizeof(bytes));
    client_send(fd, bytes, 65507);
    frame_header(bytes, 4, 65507 - FRAME_HEADER);
    client_send(fd, bytes, 65507);
    frame_header(bytes, 9, 0);
    client_send(fd, bytes, FRAME_HEADER);
    frame_header(bytes, 5, 0); /* an answer is no question */
    client_send(fd, bytes, FRAME_HEADER);
    bad += 5;
    assert_true(client_hears_nothing(fd, 50));
    client_expect_host(fd, 1, 1, 0x0a000001, 80);
    close(fd);
    bridge_expect_totals(bridge, 1, 0, bad);
    assert_in_range(process_said(&bridge->process, "dropped a datagram from 127.0.0.1:"), 1, 10);
}

static void clients_of_several_batches_at_once_get_each_their_own_answer(void **state)
{
    enum {
        CLIENTS = 200 /* a batch is 64 */
    };
    struct bridge *bridge = *state;
    uint8_t bytes[REQUEST_BYTES];
    int fds[CLIENTS];
    bridge_put_one(bridge, 1, 0, "10.0.0.1", 80);
    process_signal(&bridge->process, SIGSTOP);
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = bridge_client(bridge);
        if (i % 3 == 2) /* is not answered, between others that are */
            client_send(fds[i], bytes, report_request(bytes, 1, 0, 0x0a000001, 80, 0));
        client_send(fds[i], bytes, host_request(bytes, (uint32_t)i, 1, i % 2));
    }
    process_signal(&bridge->process, SIGCONT);
    for (int i = 0; i < CLIENTS; i++) {
        struct host_answer answer = client_take_host(fds[i]);
        assert_int_equal(answer.seq, i);
        assert_int_equal(answer.cmdid, i % 2);
        assert_int_equal(answer.retcode, i % 2 ? NOEXIST : SUCC);
        assert_true(client_hears_nothing(fds[i], 0));
        close(fds[i]);
    }
}

static void thousands_of_requests_in_a_small_window_are_all_answered(void **state)
{
    enum {
        REQUESTS = 20000,
        WINDOW = 96
    };
    struct bridge *bridge = *state;
    uint8_t bytes[REQUEST_BYTES];
    int fds[BRIDGE_PORTS];
    bridge_put_one(bridge, 1, 1, "10.0.0.1", 80);
    for (int i = 0; i < BRIDGE_PORTS; i++)
        fds[i] = client_open("127.0.0.1", bridge->ports[i]);
    for (uint32_t i = 0; i < REQUESTS + WINDOW; i++) {
        if (i >= WINDOW)
            assert_int_equal(client_take_host(fds[i % BRIDGE_PORTS]).seq, i - WINDOW);
        if (i < REQUESTS)
            client_send(fds[i % BRIDGE_PORTS], bytes, host_request(bytes, i, 1, 1));
    }
    for (int i = 0; i < BRIDGE_PORTS; i++)
        close(fds[i]);
    bridge_expect_totals(bridge, REQUESTS, 0, 0);
}

static void client_that_never_reads_hinders_no_other(void **state)
{
    struct bridge *bridge = *state;
    uint8_t bytes[REQUEST_BYTES];
    int deaf = bridge_client(bridge), fd = bridge_client(bridge);
    put_many(bridge, 1, 1);
    bridge_put_one(bridge, 2, 2, "10.0.0.1", 80);
    size_t size = host_request(bytes, 1, 1, 1);
    for (int i = 0; i < 20000; i++)
        client_send(deaf, bytes, size);
    /* UDP: a request may be lost while the bridge's queue is full of the other's. */
    size = host_request(bytes, 2, 2, 2);
    for (int tries = 0; tries < 1000 && client_hears_nothing(fd, 30); tries++)
        client_send(fd, bytes, size);
    assert_int_equal(client_take_host(fd).ip, 0x0a000001);
    close(deaf);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        bridge_test(get_host_gives_each_host_of_the_route_one_after_the_other),
        bridge_test(negative_keys_and_high_addresses_keep_their_bits),
        bridge_test(unknown_route_does_not_exist_is_asked_for_and_is_there_in_a_moment),
        bridge_test(route_without_hosts_does_not_exist),
        bridge_test(expired_route_is_answered_at_once_and_asked_for_again),
        bridge_test(route_of_overloaded_hosts_answers_overload_but_for_probes),
        bridge_test(get_route_gives_all_hosts_and_none_of_an_unknown_route),
        bridge_test(route_of_ten_thousand_hosts_is_answered_whole),
        bridge_test(g2_route_that_does_not_fit_is_answered_without_hosts_never_with_some_counted_and_logged),
        bridge_test(any_port_answers_for_any_route),
        bridge_test(report_reaches_exactly_the_host_that_was_given),
        bridge_test(wrong_reports_are_counted_and_no_report_is_answered),
        bridge_test(malformed_datagrams_are_dropped_counted_and_hinder_no_client),
        bridge_test(clients_of_several_batches_at_once_get_each_their_own_answer),
        bridge_test(thousands_of_requests_in_a_small_window_are_all_answered),
        bridge_test(client_that_never_reads_hinders_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
