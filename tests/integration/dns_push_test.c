/* SPDX-License-Identifier: MIT */
/* What a directory pushes: changes, to those who requested the route before. */
#include "tests/support/dns.h"
#include "tests/support/sanitizer.h"

/* In one edit, so that no directory sees the route without either. */
static void replace(const struct dns *dns, struct route_key key, uint32_t old_ip, uint32_t new_ip)
{
    struct store_edit edit;
    assert_int_equal(store_begin(dns->store), 0);
    assert_int_equal(store_delete(dns->store, key, &(struct host_addr){htonl(old_ip), htons(8080)}), 1);
    assert_int_equal(store_add(dns->store, key, (struct host_addr){htonl(new_ip), htons(8080)}), 1);
    assert_int_equal(store_commit(dns->store, &edit), 0);
}

static void unknown_route_is_answered_with_no_host_and_pushed_when_it_appears(void **state)
{
    struct dns *dns = *state;
    struct route_key key = {0, 0};
    struct dns_client client = dns_connect(dns, 0);
    dns_ask(&client, key);
    assert_int_equal(dns_receive_hosts(&client, key, NULL), 0);
    dns_add(dns, key, 1, 2);
    assert_int_equal(dns_receive_hosts(&client, key, NULL), 2);
    dns_disconnect(&client);
}

static void change_is_pushed_to_subscribers_only(void **state)
{
    struct dns *dns = *state;
    struct route_key key = {1, 2}, other = {1, 3};
    dns_add(dns, key, 1, 1);
    dns_add(dns, other, 1, 1);
    struct dns_client both = dns_connect(dns, 0), one = dns_connect(dns, 0), none = dns_connect(dns, 0);
    dns_ask(&both, key);
    dns_receive_hosts(&both, key, NULL);
    dns_ask(&both, other);
    dns_receive_hosts(&both, other, NULL);
    dns_ask(&one, other);
    dns_receive_hosts(&one, other, NULL);

    dns_add(dns, key, 100, 1);
    assert_int_equal(dns_receive_hosts(&both, key, NULL), 2);
    assert_false(dns_readable(&one, DNS_QUIET_MS));
    assert_false(dns_readable(&none, 0));
    assert_false(dns_readable(&both, 0));

    dns_add(dns, other, 100, 1);
    assert_int_equal(dns_receive_hosts(&one, other, NULL), 2);
    assert_int_equal(dns_receive_hosts(&both, other, NULL), 2);
    dns_disconnect(&both);
    dns_disconnect(&one);
    dns_disconnect(&none);
}

static void change_by_plain_sql_in_the_manner_of_lars_is_pushed(void **state)
{
    struct dns *dns = *state;
    struct route_key key = {8, 9};
    struct dns_client client = dns_connect(dns, 0);
    dns_ask(&client, key);
    assert_int_equal(dns_receive_hosts(&client, key, NULL), 0);
    run_sql(&dns->file,
            "INSERT INTO RouteData (modid, cmdid, serverip, serverport) VALUES (8, 9, 3232235777, 99);"
            "INSERT INTO RouteChange (modid, cmdid, version) VALUES (8, 9, unixepoch());"
            "UPDATE RouteVersion SET version = unixepoch() WHERE id = 1;");
    uint32_t ip = 0;
    assert_int_equal(dns_receive_hosts(&client, key, &ip), 1);
    assert_int_equal(ip, 3232235777);
    dns_disconnect(&client);
}

static void change_without_a_change_row_is_found_in_time(void **state)
{
    struct dns *dns = *state;
    struct route_key key = {8, 9};
    struct dns_client client = dns_connect(dns, 0);
    dns_ask(&client, key);
    assert_int_equal(dns_receive_hosts(&client, key, NULL), 0);
    run_sql(&dns->file, "INSERT INTO RouteData (modid, cmdid, serverip, serverport) VALUES (8, 9, 7, 99)");
    assert_int_equal(dns_receive_hosts(&client, key, NULL), 1);
    assert_false(dns_readable(&client, DNS_QUIET_MS));
    dns_disconnect(&client);
}

static void peer_that_does_not_read_costs_little_and_gets_the_newest_later(void **state)
{
    enum {
        CHANGES = 40,
        HOSTS = 3000,
    };
    struct dns *dns = *state;
    struct route_key key = {1, 1};
    uint32_t ip = 0, first = 0x80000000;
    dns_add(dns, key, first + CHANGES + 1, HOSTS);
    dns_add(dns, key, first, 1);
    struct dns_client lazy = dns_connect(dns, 4096), eager = dns_connect(dns, 0);
    dns_ask(&lazy, key);
    dns_ask(&eager, key);
    assert_int_equal(dns_receive_hosts(&eager, key, NULL), HOSTS + 1);
    long before = process_memory(&dns->process);
    for (uint32_t i = 0; i < CHANGES; i++) {
        replace(dns, key, first + i, first + i + 1);
        assert_int_equal(dns_receive_hosts(&eager, key, &ip), HOSTS + 1);
        assert_int_equal(ip, first + i + 1);
    }
    long growth = process_memory(&dns->process) - before;
    assert_true(SANITIZED || growth < 1024); /* a sanitizer keeps freed memory */
    int answers = 0;
    do {
        assert_int_equal(dns_receive_hosts(&lazy, key, &ip), HOSTS + 1);
        answers++;
    } while (ip != first + CHANGES);
    assert_true(answers <= CHANGES / 4);
    assert_false(dns_readable(&lazy, DNS_QUIET_MS));
    dns_disconnect(&lazy);
    dns_disconnect(&eager);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, dns_setup, dns_teardown)
    const struct CMUnitTest tests[] = {
        TEST(unknown_route_is_answered_with_no_host_and_pushed_when_it_appears),
        TEST(change_is_pushed_to_subscribers_only),
        TEST(change_by_plain_sql_in_the_manner_of_lars_is_pushed),
        TEST(change_without_a_change_row_is_found_in_time),
        TEST(peer_that_does_not_read_costs_little_and_gets_the_newest_later),
    };
    return cmocka_run_group_tests_name("integration/dns_push", tests, NULL, NULL);
}
