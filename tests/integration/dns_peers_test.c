/* SPDX-License-Identifier: MIT */
/* Which peers a directory serves, how many of them, and how long they may keep it waiting. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/support/dns.h"

static const struct route_key key = {1, 2};

static int setup_impatient(void **state)
{
    char *const options[] = {"--idle-timeout", "1", "--frame-timeout", "1", NULL};
    return dns_setup_with(state, NULL, options);
}

static int setup_networks(void **state)
{
    char *const options[] = {"--allow", "127.0.0.2", "--allow", "127.1.0.0/16", NULL};
    return dns_setup_with(state, NULL, options);
}

static int setup_few_for_one(void **state)
{
    char *const options[] = {"--max-per-address", "3", NULL};
    return dns_setup_with(state, NULL, options);
}

static int setup_low_soft_limit(void **state)
{
    return dns_setup_with(state, "-S -n 64", NULL);
}

static void expect_served(struct dns_client *client)
{
    dns_ask(client, key);
    Lars__GetRouteResponse *response = dns_receive(client);
    assert_non_null(response);
    lars__get_route_response__free_unpacked(response, NULL);
}

/* Whether a peer from the address is served; ends the connection. */
static bool served_from(const struct dns *dns, uint32_t source)
{
    uint8_t bytes[64];
    struct dns_client client = dns_connect_from(dns, source);
    bool served = send(client.fd, bytes, dns_request(key, bytes), MSG_NOSIGNAL) > 0 &&
                  dns_readable(&client, EVENTUALLY_MS) && recv(client.fd, bytes, sizeof(bytes), 0) > 0;
    dns_disconnect(&client);
    return served;
}

static void peer_that_never_sends_a_message_is_closed_and_a_silent_subscriber_is_not(void **state)
{
    struct dns *dns = *state;
    struct dns_client subscriber = dns_connect(dns, 0), silent = dns_connect(dns, 0);
    expect_served(&subscriber);
    assert_null(dns_receive(&silent));
    assert_int_equal(process_said(&dns->process, "it has never sent a message, see --idle-timeout"), 1);
    assert_false(dns_readable(&subscriber, 2 * DNS_QUIET_MS));
    dns_add(dns, key, 1, 1);
    assert_int_equal(dns_receive_hosts(&subscriber, key, NULL), 1);
    dns_disconnect(&silent);
    dns_disconnect(&subscriber);
}

static void peer_that_does_not_finish_a_message_is_closed(void **state)
{
    struct dns *dns = *state;
    uint8_t bytes[64];
    size_t size = dns_request(key, bytes);
    struct dns_client subscriber = dns_connect(dns, 0), slow = dns_connect(dns, 0);
    expect_served(&subscriber);
    expect_served(&slow);
    dns_send(&slow, bytes, size);
    dns_send(&slow, bytes, 3);
    assert_int_equal(dns_receive_hosts(&slow, key, NULL), 0);
    assert_null(dns_receive(&slow));
    assert_int_equal(process_said(&dns->process, "it does not finish a message, see --frame-timeout"), 1);
    expect_served(&subscriber);
    dns_disconnect(&slow);
    dns_disconnect(&subscriber);
}

static void peers_of_allowed_networks_are_served_and_no_others(void **state)
{
    struct dns *dns = *state;
    assert_false(served_from(dns, INADDR_LOOPBACK));
    assert_false(served_from(dns, INADDR_LOOPBACK + 2));
    assert_true(served_from(dns, INADDR_LOOPBACK + 1));
    assert_true(served_from(dns, 0x7F01FF01));
    unsigned said = process_said(&dns->process, "it is in no network that --allow names");
    assert_true(said >= 1 && said <= 2);
}

static void an_address_has_so_many_connections_and_others_have_room(void **state)
{
    enum {
        MOST = 3,
    };
    struct dns *dns = *state;
    struct dns_client clients[MOST];
    for (int i = 0; i < MOST; i++) {
        clients[i] = dns_connect(dns, 0);
        expect_served(&clients[i]);
    }
    assert_false(served_from(dns, INADDR_LOOPBACK));
    assert_int_equal(
        process_said(&dns->process, "3 connections open from its address, see --max-per-address"), 1);
    assert_true(served_from(dns, INADDR_LOOPBACK + 1));
    dns_disconnect(&clients[0]);
    eventually(served_from(dns, INADDR_LOOPBACK));
    for (int i = 1; i < MOST; i++)
        dns_disconnect(&clients[i]);
}

/* The limit leaves 32 connections, 28 of them for one address. */
static void silent_peers_make_room_for_others_and_subscribers_do_not(void **state)
{
    enum {
        PEERS = 32,
    };
    struct dns *dns = *state;
    struct dns_client subscriber = dns_connect(dns, 0), silent[PEERS];
    expect_served(&subscriber);
    for (uint32_t i = 1; i < PEERS; i++)
        silent[i] = dns_connect_from(dns, INADDR_LOOPBACK + i % 2);
    eventually(served_from(dns, INADDR_LOOPBACK + 2));
    assert_true(process_said(&dns->process, "others want its connection") >= 1);
    expect_served(&subscriber);
    for (uint32_t i = 1; i < PEERS; i++)
        dns_disconnect(&silent[i]);
    dns_disconnect(&subscriber);
}

static void soft_limit_of_open_files_is_raised(void **state)
{
    enum {
        PEERS = 100,
    };
    struct dns *dns = *state;
    struct dns_client clients[PEERS];
    for (int i = 0; i < PEERS; i++) {
        clients[i] = dns_connect(dns, 0);
        expect_served(&clients[i]);
    }
    for (int i = 0; i < PEERS; i++)
        dns_disconnect(&clients[i]);
}

static void set_soft_limit(const struct dns *dns, rlim_t files)
{
    struct rlimit limit;
    assert_int_equal(prlimit(dns->process.pid, RLIMIT_NOFILE, NULL, &limit), 0);
    limit.rlim_cur = files;
    assert_int_equal(prlimit(dns->process.pid, RLIMIT_NOFILE, &limit, NULL), 0);
}

/* Ticks of processor time that the directory has used. */
static long ticks(const struct dns *dns)
{
    char path[64];
    unsigned long user, system;
    snprintf(path, sizeof(path), "/proc/%ld/stat", (long)dns->process.pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_int_equal(
        fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system), 2);
    fclose(file);
    return (long)(user + system);
}

static void without_descriptors_the_rest_is_served_and_accepting_does_not_spin(void **state)
{
    struct dns *dns = *state;
    struct dns_client client = dns_connect(dns, 0);
    expect_served(&client);
    set_soft_limit(dns, 3);
    struct dns_client late = dns_connect(dns, 0);
    dns_ask(&late, key);
    eventually(process_said(&dns->process, "cannot accept a connection: too many open files") >= 1);
    long before = ticks(dns);
    throughout(1000, !dns_readable(&late, 0));
    assert_true(ticks(dns) - before < sysconf(_SC_CLK_TCK) / 2);
    expect_served(&client);
    set_soft_limit(dns, 1024);
    assert_int_equal(dns_receive_hosts(&late, key, NULL), 0);
    dns_disconnect(&late);
    dns_disconnect(&client);
}

static void ten_thousand_connections_are_served_where_the_system_allows(void **state)
{
    enum {
        PEERS = 10000,
        MORE_FILES = 2000,
    };
    struct dns *dns = *state;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_max < PEERS + MORE_FILES)
        skip();
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    struct dns_client *clients = calloc(PEERS, sizeof(*clients));
    assert_non_null(clients);
    for (int i = 0; i < PEERS; i++) {
        clients[i] = dns_connect(dns, 0);
        expect_served(&clients[i]);
    }
    dns_add(dns, key, 1, 1);
    for (int i = 0; i < PEERS; i++)
        assert_int_equal(dns_receive_hosts(&clients[i], key, NULL), 1);
    for (int i = 0; i < PEERS; i++)
        dns_disconnect(&clients[i]);
    free(clients);
}

int main(void)
{
#define TEST(name, setup) cmocka_unit_test_setup_teardown(name, setup, dns_teardown)
    const struct CMUnitTest tests[] = {
        TEST(peer_that_never_sends_a_message_is_closed_and_a_silent_subscriber_is_not, setup_impatient),
        TEST(peer_that_does_not_finish_a_message_is_closed, setup_impatient),
        TEST(peers_of_allowed_networks_are_served_and_no_others, setup_networks),
        TEST(an_address_has_so_many_connections_and_others_have_room, setup_few_for_one),
        TEST(silent_peers_make_room_for_others_and_subscribers_do_not, dns_setup_few_files),
        TEST(soft_limit_of_open_files_is_raised, setup_low_soft_limit),
        TEST(without_descriptors_the_rest_is_served_and_accepting_does_not_spin, dns_setup),
        TEST(ten_thousand_connections_are_served_where_the_system_allows, dns_setup),
    };
    return cmocka_run_group_tests_name("integration/dns_peers", tests, NULL, NULL);
}
