/* SPDX-License-Identifier: MIT */
/* What directories on a shared MariaDB database answer and push, by whatever program it is edited, and when the
 * server fails. */
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/dns.h"
#include "tests/support/mariadb_server.h"

enum {
    DIRECTORIES = 2,
    KEYS = 20,
    EDITS = 240,
};

static struct mariadb_server server;

struct fixture {
    char log[DIRECTORIES][64];
    struct dns directories[DIRECTORIES];
    struct dns_client clients[DIRECTORIES]; /* one each */
    struct store *store;
};

static int start_server(void **state)
{
    (void)state;
    mariadb_server_init(&server);
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    mariadb_server_dispose(&server);
    return 0;
}

static int setup(void **state)
{
    char error[STORE_ERROR_SIZE];
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    mariadb_server_empty(&server);
    if (store_open(&fixture->store, server.url, STORE_EXISTING, error) != 0)
        fail_msg("%s", error);
    for (int i = 0; i < DIRECTORIES; i++) {
        snprintf(fixture->log[i], sizeof(fixture->log[i]), "%s/log%d", server.directory, i);
        dns_start(&fixture->directories[i], server.url, fixture->log[i]);
        fixture->clients[i] = dns_connect(&fixture->directories[i], 0);
    }
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    int rc = 0;
    for (int i = 0; i < DIRECTORIES; i++) {
        dns_disconnect(&fixture->clients[i]);
        rc |= dns_stop(&fixture->directories[i]);
        unlink(fixture->log[i]);
    }
    store_close(fixture->store);
    free(fixture);
    return rc;
}

static struct route_key numbered(uint32_t number)
{
    return (struct route_key){number, 7};
}

/* Each client subscribes, and gets the answer of so many hosts. */
static void subscribe_all(struct fixture *fixture, struct route_key key, size_t hosts)
{
    for (int i = 0; i < DIRECTORIES; i++) {
        dns_ask(&fixture->clients[i], key);
        assert_int_equal(dns_receive_hosts(&fixture->clients[i], key, NULL), hosts);
    }
}

/* Each client is pushed the route with so many hosts, from this one on. */
static void expect_push(struct fixture *fixture, struct route_key key, size_t hosts, uint32_t first)
{
    for (int i = 0; i < DIRECTORIES; i++) {
        uint32_t ip = 0;
        assert_int_equal(dns_receive_hosts(&fixture->clients[i], key, &ip), hosts);
        assert_int_equal(ip, first);
    }
}

static void expect_no_push(struct fixture *fixture)
{
    for (int i = 0; i < DIRECTORIES; i++)
        assert_false(dns_readable(&fixture->clients[i], DNS_QUIET_MS));
}

struct setting {
    struct route_key key;
    uint32_t ip;
};

static int set_host(struct store *store, void *arg)
{
    const struct setting *setting = arg;
    int deleted;
    return store_set(store, setting->key, &(struct host_addr){htonl(setting->ip), htons(80)}, 1, &deleted) < 0
               ? -1
               : 0;
}

/* By larshm-dns' own way. */
static void edit(struct fixture *fixture, struct route_key key, uint32_t ip)
{
    struct setting setting = {key, ip};
    struct store_edit done;
    if (store_make(fixture->store, set_host, &setting, &done) != 0)
        fail_msg("%s", store_error(fixture->store));
}

static void insert(struct route_key key, uint32_t ip)
{
    mariadb_run(&server,
                "INSERT INTO RouteData (modid, cmdid, serverip, serverport) VALUES (%" PRIu32 ", %" PRIu32
                ", %" PRIu32 ", 80)",
                key.modid, key.cmdid, ip);
}

static void an_edit_is_pushed_by_every_directory(void **state)
{
    struct fixture *fixture = *state;
    subscribe_all(fixture, numbered(1), 0);
    edit(fixture, numbered(1), 10);
    expect_push(fixture, numbered(1), 1, 10);
    edit(fixture, numbered(1), 11);
    expect_push(fixture, numbered(1), 1, 11);
}

/* That something has changed, and not what. */
static void hint(void)
{
    mariadb_run(&server, "UPDATE RouteVersion SET version = version + 1 WHERE id = 1");
}

static void a_change_that_nothing_announces_is_found(void **state)
{
    struct fixture *fixture = *state;
    subscribe_all(fixture, numbered(1), 0);
    subscribe_all(fixture, numbered(2), 0);
    edit(fixture, numbered(2), 20);
    expect_push(fixture, numbered(2), 1, 20);
    pause_ms(1000); /* the comparison that follows the edit has begun */
    mariadb_run(&server, "START TRANSACTION");
    mariadb_run(&server, "DELETE FROM RouteData");
    insert(numbered(1), 10);
    mariadb_run(&server, "COMMIT");
    expect_push(fixture, numbered(1), 1, 10);
    for (int i = 0; i < DIRECTORIES; i++)
        assert_int_equal(dns_receive_hosts(&fixture->clients[i], numbered(2), NULL), 0);
}

static void a_change_whose_transaction_began_first_and_ended_last_is_pushed(void **state)
{
    struct fixture *fixture = *state;
    subscribe_all(fixture, numbered(1), 0);
    subscribe_all(fixture, numbered(2), 0);
    mariadb_run(&server, "START TRANSACTION");
    insert(numbered(1), 10);
    mariadb_run(&server, "INSERT INTO RouteChange (modid, cmdid, version) VALUES (1, 7, unix_timestamp())");
    edit(fixture, numbered(2), 20);
    expect_push(fixture, numbered(2), 1, 20);
    mariadb_run(&server, "COMMIT");
    expect_push(fixture, numbered(1), 1, 10);
}

static void rows_that_are_no_hosts_or_there_twice_are_not_sent(void **state)
{
    struct fixture *fixture = *state;
    subscribe_all(fixture, numbered(1), 0);
    mariadb_run(&server, "INSERT INTO RouteData (modid, cmdid, serverip, serverport) VALUES (1, 7, 10, 80),"
                         " (1, 7, 10, 80), (1, 7, 0, 80), (1, 7, 11, 0), (1, 7, 11, 65536), (1, 7, 12, 80)");
    hint();
    expect_push(fixture, numbered(1), 2, 10);
}

/* What a Lars directory does each second: here all the time. */
static atomic_bool deleter_ends;

static void *delete_changes(void *arg)
{
    static const struct maria_limits limits = {.connect_seconds = 10, .read_seconds = 60};
    struct maria maria;
    (void)arg;
    if (maria_open(&maria, server.url, &limits) == 0)
        while (!atomic_load(&deleter_ends)) {
            maria_run(&maria, "DELETE FROM RouteChange WHERE version <="
                              " (SELECT version FROM RouteVersion WHERE id = 1)");
            pause_ms(LOOK_EVERY_MS);
        }
    maria_close(&maria);
    return NULL;
}

/* As Lars' web page does, statement by statement, or without telling of it. */
static void edit_by_hand(struct route_key key, uint32_t ip, bool announced)
{
    mariadb_run(&server,
                "UPDATE RouteData SET serverip = %" PRIu32 " WHERE modid = %" PRIu32 " AND cmdid = %" PRIu32,
                ip, key.modid, key.cmdid);
    if (!announced)
        return;
    mariadb_run(&server,
                "INSERT INTO RouteChange (modid, cmdid, version) VALUES (%" PRIu32 ", %" PRIu32
                ", unix_timestamp())",
                key.modid, key.cmdid);
    mariadb_run(&server, "UPDATE RouteVersion SET version = unix_timestamp() WHERE id = 1");
}

/* Reads what is pushed until each route has the host that it was given last. */
static void expect_last(struct dns_client *client, const uint32_t last[static KEYS])
{
    uint32_t got[KEYS] = {0};
    for (size_t missing = KEYS; missing > 0;) {
        Lars__GetRouteResponse *response = dns_receive(client);
        assert_non_null(response);
        got[response->modid] = response->n_host == 1 ? (uint32_t)response->host[0]->ip : 0;
        lars__get_route_response__free_unpacked(response, NULL);
        missing = 0;
        for (size_t i = 0; i < KEYS; i++)
            missing += got[i] != last[i];
    }
}

static void two_directories_beside_one_that_deletes_hints_miss_no_edit(void **state)
{
    struct fixture *fixture = *state;
    uint32_t last[KEYS];
    pthread_t deleter;
    for (uint32_t i = 0; i < KEYS; i++)
        insert(numbered(i), 1000);
    for (uint32_t i = 0; i < KEYS; i++)
        for (int client = 0; client < DIRECTORIES; client++)
            dns_ask(&fixture->clients[client], numbered(i));
    /* The directories may not have seen the rows yet: what they send is read with the rest. */
    assert_int_equal(pthread_create(&deleter, NULL, delete_changes, NULL), 0);
    for (uint32_t i = 0; i < EDITS; i++) {
        uint32_t key = i * 7 % KEYS, ip = 2000 + i;
        last[key] = ip;
        if (i % 3 == 0)
            edit(fixture, numbered(key), ip);
        else
            edit_by_hand(numbered(key), ip, i % 3 == 1);
        pause_ms(5);
    }
    for (int i = 0; i < DIRECTORIES; i++)
        expect_last(&fixture->clients[i], last);
    atomic_store(&deleter_ends, true);
    pthread_join(deleter, NULL);
}

static void a_server_that_is_frozen_delays_no_answer_and_its_edits_come_when_it_goes_on(void **state)
{
    struct fixture *fixture = *state;
    subscribe_all(fixture, numbered(1), 0);
    subscribe_all(fixture, numbered(2), 0);
    edit(fixture, numbered(1), 10);
    expect_push(fixture, numbered(1), 1, 10);
    mariadb_server_signal(&server, SIGSTOP);
    eventually(process_said(&fixture->directories[0].process, "the connection was lost") > 0);
    dns_ask(&fixture->clients[0], numbered(1));
    assert_int_equal(dns_receive_hosts(&fixture->clients[0], numbered(1), NULL), 1);
    mariadb_server_signal(&server, SIGCONT);
    edit(fixture, numbered(2), 20);
    expect_push(fixture, numbered(2), 1, 20);
    eventually(process_said(&fixture->directories[0].process, "the database is back") > 0);
}

static void routes_are_served_without_the_server_and_edits_come_after_its_restart(void **state)
{
    struct fixture *fixture = *state;
    subscribe_all(fixture, numbered(1), 0);
    edit(fixture, numbered(1), 10);
    expect_push(fixture, numbered(1), 1, 10);
    mariadb_server_stop(&server);
    eventually(process_said(&fixture->directories[0].process, "cannot connect to localhost") > 0);
    dns_ask(&fixture->clients[0], numbered(1));
    assert_int_equal(dns_receive_hosts(&fixture->clients[0], numbered(1), NULL), 1);
    mariadb_server_start(&server);
    edit(fixture, numbered(1), 11);
    expect_push(fixture, numbered(1), 1, 11);
}

/* As often as it can be: during the first rows, between them, at the last. */
static void a_read_that_ends_early_takes_no_route_away(void **state)
{
    struct fixture *fixture = *state;
    mariadb_run(&server, "INSERT INTO RouteData (modid, cmdid, serverip, serverport)"
                         " SELECT 100 + seq, 7, seq, 80 FROM seq_1_to_50000");
    subscribe_all(fixture, numbered(5), 0);
    insert(numbered(5), 10);
    hint();
    expect_push(fixture, numbered(5), 1, 10);
    for (int i = 0; i < 100; i++) {
        uint64_t id;
        hint();
        if (maria_number(&server.maria, &id,
                         "SELECT id FROM information_schema.PROCESSLIST WHERE user = 'lars'"
                         " ORDER BY command = 'Execute' DESC, rand() LIMIT 1") == 0)
            maria_run(&server.maria, "KILL %" PRIu64, id);
        pause_ms(17);
    }
    expect_no_push(fixture);
    mariadb_run(&server, "RENAME TABLE RouteData TO Elsewhere");
    eventually(process_said(&fixture->directories[0].process, "RouteData' doesn't exist") > 0);
    expect_no_push(fixture);
    mariadb_run(&server, "RENAME TABLE Elsewhere TO RouteData");
    edit(fixture, numbered(5), 11);
    expect_push(fixture, numbered(5), 1, 11);
}

/* Until they are gone. */
static void end_connections_of_directories(void)
{
    uint64_t id;
    while (maria_number(&server.maria, &id,
                        "SELECT id FROM information_schema.PROCESSLIST WHERE user = 'lars' LIMIT 1") == 0)
        maria_run(&server.maria, "KILL %" PRIu64, id);
}

static void a_server_that_is_behind_what_was_seen_is_not_believed(void **state)
{
    struct fixture *fixture = *state;
    subscribe_all(fixture, numbered(1), 0);
    for (uint32_t ip = 10; ip < 12;
         ip++) { /* an edit may be pushed before its version is read, and the next one after it */
        edit(fixture, numbered(1), ip);
        expect_push(fixture, numbered(1), 1, ip);
    }
    mariadb_run(&server, "ALTER USER lars@localhost ACCOUNT LOCK");
    end_connections_of_directories();
    mariadb_run(&server, "DELETE FROM RouteData");
    mariadb_run(&server, "UPDATE RouteVersion SET version = version - 1000 WHERE id = 1");
    mariadb_run(&server, "ALTER USER lars@localhost ACCOUNT UNLOCK");
    for (int i = 0; i < DIRECTORIES; i++)
        eventually(process_said(&fixture->directories[i].process, "is behind: its version is") > 0);
    expect_no_push(fixture);
    mariadb_run(&server, "UPDATE RouteVersion SET version = version + 2000 WHERE id = 1");
    for (int i = 0; i < DIRECTORIES; i++)
        assert_int_equal(dns_receive_hosts(&fixture->clients[i], numbered(1), NULL), 0);
}

/* Whatever of the edits before it has been seen. */
static void a_restored_backup_is_pushed_and_the_log_says_so(void **state)
{
    struct fixture *fixture = *state;
    subscribe_all(fixture, numbered(1), 0);
    edit(fixture, numbered(1), 10);
    expect_push(fixture, numbered(1), 1, 10);
    uint64_t version = mariadb_ask(&server, "SELECT version FROM RouteVersion WHERE id = 1");
    for (unsigned i = 0; i < 2; i++) {
        edit(fixture, numbered(1), 11);
        expect_push(fixture, numbered(1), 1, 11);
        mariadb_run(&server, "START TRANSACTION");
        mariadb_run(&server, "UPDATE RouteData SET serverip = 10");
        mariadb_run(&server, "DELETE FROM RouteChange");
        mariadb_run(&server, "UPDATE RouteVersion SET version = %" PRIu64 " WHERE id = 1",
                    version - 1000 * i);
        mariadb_run(&server, "COMMIT");
        expect_push(fixture, numbered(1), 1, 10);
        for (int directory = 0; directory < DIRECTORIES; directory++)
            eventually(process_said(&fixture->directories[directory].process,
                                    "the database was set back to an older version: it has 1 route") == i);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(an_edit_is_pushed_by_every_directory),
        TEST(a_change_that_nothing_announces_is_found),
        TEST(a_change_whose_transaction_began_first_and_ended_last_is_pushed),
        TEST(rows_that_are_no_hosts_or_there_twice_are_not_sent),
        TEST(two_directories_beside_one_that_deletes_hints_miss_no_edit),
        TEST(a_server_that_is_frozen_delays_no_answer_and_its_edits_come_when_it_goes_on),
        TEST(routes_are_served_without_the_server_and_edits_come_after_its_restart),
        TEST(a_read_that_ends_early_takes_no_route_away),
        TEST(a_server_that_is_behind_what_was_seen_is_not_believed),
        TEST(a_restored_backup_is_pushed_and_the_log_says_so),
    };
    return cmocka_run_group_tests_name("integration/dns_replica", tests, start_server, stop_server);
}
