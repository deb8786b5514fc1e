/* SPDX-License-Identifier: MIT */
/* What a directory answers, to good clients and bad ones. */
#include <signal.h>
#include <string.h>

#include <unistd.h>

#include "tests/support/dns.h"
#include "tools/dns/message.h"

static void request_is_answered_with_all_hosts_and_high_numbers_survive(void **state)
{
    struct dns *dns = *state;
    struct route_key key = {4294967295, 2147483648};
    dns_add(dns, key, 0x0A000001, 1);
    dns_add(dns, key, 0x80000000, 1);
    dns_add(dns, key, 0xFFFFFFFF, 1);
    struct dns_client client = dns_connect(dns, 0);
    dns_ask(&client, key);
    Lars__GetRouteResponse *response = dns_receive(&client);
    assert_non_null(response);
    assert_int_equal(response->modid, -1);
    assert_int_equal(response->cmdid, INT32_MIN);
    assert_int_equal(response->n_host, 3);
    assert_int_equal(response->host[0]->ip, 167772161);
    assert_int_equal(response->host[1]->ip, INT32_MIN);
    assert_int_equal(response->host[2]->ip, -1);
    assert_int_equal(response->host[2]->port, 8080);
    lars__get_route_response__free_unpacked(response, NULL);
    dns_disconnect(&client);
}

static void each_request_is_answered_even_when_nothing_changed(void **state)
{
    struct dns *dns = *state;
    struct route_key key = {5, 6};
    dns_add(dns, key, 1, 1);
    struct dns_client client = dns_connect(dns, 0);
    for (int i = 0; i < 100; i++) {
        dns_ask(&client, key);
        assert_int_equal(dns_receive_hosts(&client, key, NULL), 1);
    }
    dns_disconnect(&client);
}

static void requests_in_single_bytes_are_answered_as_if_whole(void **state)
{
    struct dns *dns = *state;
    struct route_key key = {300, 400};
    struct dns_client client = dns_connect(dns, 0);
    uint8_t bytes[64];
    size_t size = dns_request(key, bytes);
    for (size_t i = 0; i < size; i++) {
        dns_send(&client, bytes + i, 1);
        usleep(1000);
    }
    assert_int_equal(dns_receive_hosts(&client, key, NULL), 0);
    dns_disconnect(&client);
}

static void bad_frame_closes_its_connection_and_no_other(void **state)
{
    static const struct {
        int32_t id;
        uint32_t length;
        char body[4];
        size_t size;
    } bad[] = {
        {1, 0xFFFFFFFF, "", 0},
        {1, 0x80000000, "", 0},
        {1, 2, "\x08\xFF", 2}, /* a number that does not end */
        {1, 4, "\xFF\xFF\xFF\xFF", 4},
    };
    enum {
        BAD = sizeof(bad) / sizeof(*bad),
    };
    struct dns *dns = *state;
    struct route_key key = {1, 2};
    struct dns_client good = dns_connect(dns, 0);
    for (size_t i = 0; i < BAD; i++) {
        struct dns_client client = dns_connect(dns, 0);
        uint8_t bytes[FRAME_HEADER + 4];
        frame_header(bytes, bad[i].id, bad[i].length);
        memcpy(bytes + FRAME_HEADER, bad[i].body, 4);
        dns_send(&client, bytes, FRAME_HEADER + bad[i].size);
        assert_null(dns_receive(&client));
        dns_disconnect(&client);
        dns_ask(&good, key);
        assert_int_equal(dns_receive_hosts(&good, key, NULL), 0);
    }
    unsigned said = process_said(&dns->process, "closed 127.0.0.1:");
    assert_true(said >= 1 && said <= BAD);
    dns_disconnect(&good);
}

static void unknown_message_is_skipped(void **state)
{
    struct dns *dns = *state;
    struct route_key key = {1, 2};
    struct dns_client client = dns_connect(dns, 0);
    static const int32_t ids[] = {0, 2, 3, 7, 99, -1};
    for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
        uint8_t bytes[FRAME_HEADER + 3] = {0};
        frame_header(bytes, ids[i], 3);
        dns_send(&client, bytes, sizeof(bytes));
    }
    dns_ask(&client, key);
    assert_int_equal(dns_receive_hosts(&client, key, NULL), 0);
    dns_disconnect(&client);
}

static void longer_frame_is_skipped_and_the_connection_kept(void **state)
{
    struct dns *dns = *state;
    struct route_key key = {1, 2};
    struct dns_client client = dns_connect(dns, 0);
    static uint8_t bytes[FRAME_HEADER + 200000];
    frame_header(bytes, 1, sizeof(bytes) - FRAME_HEADER);
    dns_send(&client, bytes, sizeof(bytes));
    dns_ask(&client, key);
    assert_int_equal(dns_receive_hosts(&client, key, NULL), 0);
    assert_int_equal(process_said(&dns->process, "skipping a message of 200000 bytes"), 1);
    dns_disconnect(&client);
}

/* A fetcher of 0.1 closes its connection for a longer frame. */
static void g2_route_longer_than_a_peer_takes_is_not_sent_to_it_and_to_others_whole(void **state)
{
    enum {
        HIGH_HOST = 16, /* bytes in an answer: 2, ip 1 + 10, port 1 + 2 */
        FITTING = (FRAME_BODY_MAX - 4) / HIGH_HOST,
    };
    struct dns *dns = *state;
    struct route_key whole = {1, 1}, large = {2, 2};
    dns_add(dns, whole, 0x80000000, FITTING);
    dns_add(dns, large, 0x80000000, FITTING + 1);
    struct dns_client old = dns_connect(dns, 0), new = dns_connect(dns, 0);
    new.input.max = RESPONSE_MAX;
    for (int i = 0; i < 3; i++) {
        dns_ask(&old, large);
        dns_ask(&old, whole);
        assert_int_equal(dns_receive_hosts(&old, whole, NULL), FITTING);
    }
    assert_int_equal(process_said(&dns->process, "route 2 2 is not sent to 127.0.0.1:"), 1);
    dns_ask_with(&new, whole, RESPONSE_MAX);
    assert_int_equal(dns_receive_hosts(&new, whole, NULL), FITTING);
    dns_ask(&new, large);
    assert_int_equal(dns_receive_hosts(&new, large, NULL), FITTING + 1);
    dns_disconnect(&old);
    dns_disconnect(&new);
}

static void g2_route_of_more_hosts_than_a_table_holds_is_not_sent(void **state)
{
    struct dns *dns = *state;
    struct route_key key = {1, 1}, other = {2, 2};
    dns_add(dns, key, 0x80000000, HOSTS_MAX + 1);
    struct dns_client client = dns_connect(dns, 0);
    dns_ask_with(&client, key, RESPONSE_MAX);
    dns_ask(&client, other);
    assert_int_equal(dns_receive_hosts(&client, other, NULL), 0);
    assert_int_equal(
        process_said(
            &dns->process,
            "route 1 1 is not sent, and requests for it are not answered: it has more than 10922 hosts"),
        1);
    dns_disconnect(&client);
}

static void too_many_subscriptions_close_the_connection(void **state)
{
    struct dns *dns = *state;
    struct dns_client client = dns_connect(dns, 0);
    for (uint32_t i = 0; i < DNS_SUBSCRIPTIONS; i++) {
        struct route_key key = {1, i};
        dns_ask(&client, key);
        assert_int_equal(dns_receive_hosts(&client, key, NULL), 0);
    }
    dns_ask(&client, (struct route_key){1, DNS_SUBSCRIPTIONS - 1});
    assert_int_equal(dns_receive_hosts(&client, (struct route_key){1, DNS_SUBSCRIPTIONS - 1}, NULL), 0);
    dns_ask(&client, (struct route_key){1, DNS_SUBSCRIPTIONS});
    assert_null(dns_receive(&client));
    assert_int_equal(process_said(&dns->process, "--max-subscriptions"), 1);
    dns_disconnect(&client);
}

static void running_out_of_descriptors_refuses_newcomers_and_serves_the_rest(void **state)
{
    struct dns *dns = *state;
    struct route_key key = {1, 2};
    struct dns_client clients[DNS_FEW_FILES];
    for (uint32_t i = 0; i < DNS_FEW_FILES; i++)
        clients[i] = dns_connect_from(dns, INADDR_LOOPBACK + i % 2);
    assert_null(dns_receive(&clients[DNS_FEW_FILES - 1]));
    dns_ask(&clients[0], key);
    assert_int_equal(dns_receive_hosts(&clients[0], key, NULL), 0);
    assert_int_equal(
        process_said(&dns->process, "refusing connections: 32 are open; raise the limit of open files"), 1);
    for (int i = 1; i < DNS_FEW_FILES; i++)
        dns_disconnect(&clients[i]);
    dns_add(dns, key, 1, 1);
    assert_int_equal(dns_receive_hosts(&clients[0], key, NULL), 1);
    struct dns_client late = dns_connect(dns, 0);
    dns_ask(&late, key);
    assert_int_equal(dns_receive_hosts(&late, key, NULL), 1);
    dns_disconnect(&late);
    dns_disconnect(&clients[0]);
}

/* The directory gets to none of it before they have left. */
static void requests_of_peers_that_have_left_are_not_answered(void **state)
{
    enum {
        PEERS = 10,
        REQUESTS = 100,
    };
    const struct dns *dns = *state;
    struct route_key key = {1, 2};
    struct dns other;
    dns_start(&other, dns->file.path, dns->file.log);
    other.port = process_port(&other.process, 2);
    process_signal(&other.process, SIGSTOP);
    for (int i = 0; i < PEERS; i++) {
        struct dns_client client = dns_connect(&other, 0);
        for (uint32_t j = 0; j < REQUESTS; j++)
            dns_ask(&client, (struct route_key){1, j});
        dns_disconnect(&client);
    }
    process_signal(&other.process, SIGCONT);
    struct dns_client client = dns_connect(&other, 0);
    dns_ask(&client, key);
    assert_int_equal(dns_receive_hosts(&client, key, NULL), 0);
    dns_disconnect(&client);
    assert_int_equal(dns_stop(&other), 0);
    assert_int_equal(process_said(&other.process, "stopped after 11 connections, 1001 requests, 1 answer;"),
                     1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, dns_setup, dns_teardown)
    const struct CMUnitTest tests[] = {
        TEST(request_is_answered_with_all_hosts_and_high_numbers_survive),
        TEST(each_request_is_answered_even_when_nothing_changed),
        TEST(requests_in_single_bytes_are_answered_as_if_whole),
        TEST(bad_frame_closes_its_connection_and_no_other),
        TEST(unknown_message_is_skipped),
        TEST(longer_frame_is_skipped_and_the_connection_kept),
        TEST(g2_route_longer_than_a_peer_takes_is_not_sent_to_it_and_to_others_whole),
        TEST(g2_route_of_more_hosts_than_a_table_holds_is_not_sent),
        TEST(too_many_subscriptions_close_the_connection),
        TEST(requests_of_peers_that_have_left_are_not_answered),
        cmocka_unit_test_setup_teardown(running_out_of_descriptors_refuses_newcomers_and_serves_the_rest,
                                        dns_setup_few_files, dns_teardown),
    };
    return cmocka_run_group_tests_name("integration/dns_serve", tests, NULL, NULL);
}
