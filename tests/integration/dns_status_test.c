/* SPDX-License-Identifier: MIT */
/* `larshm-dns peers` and `larshm-dns route status`, of a running directory with real connections. */
#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/dns.h"
#include "tools/common/admin_client.h"

enum {
    SMALL_BUFFER = 4096,
    LARGE_ROUTE = 3000, /* hosts: an answer is much more than the buffer */
    ORDINARY_USER = 65534,
};

static const struct route_key key = {1, 2}, large = {3, 4};

/* Of the command that ran last. */
static char output[1 << 20], errors[4096];

static void read_all(FILE *file, char *out, size_t size)
{
    size_t length = fread(out, 1, size - 1, file);
    out[length] = '\0';
}

/* Runs larshm-dns with the words, as a user; its exit code. */
static int command_as(uid_t user, const char *words)
{
    char line[512], err[] = "/tmp/larshm-status-XXXXXX";
    int fd = mkstemp(err);
    assert_true(fd >= 0);
    if (user)
        snprintf(line, sizeof(line), "exec setpriv --reuid=%u --clear-groups %s %s 2>%s", (unsigned)user,
                 LARSHM_DNS, words, err);
    else
        snprintf(line, sizeof(line), "exec %s %s 2>%s", LARSHM_DNS, words, err);
    FILE *out = popen(line, "re");
    assert_non_null(out);
    read_all(out, output, sizeof(output));
    int status = pclose(out);
    FILE *said = fdopen(fd, "r");
    read_all(said, errors, sizeof(errors));
    fclose(said);
    unlink(err);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

__attribute__((format(printf, 1, 2))) static int command(const char *format, ...)
{
    char words[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof(words), format, arguments);
    va_end(arguments);
    return command_as(0, words);
}

static void expect_said(const char *text)
{
    if (!strstr(errors, text))
        fail_msg("\"%s\" does not say \"%s\"", errors, text);
}

/* What the command has printed, to be freed. */
static json_t *document(void)
{
    json_error_t error;
    json_t *root = json_loads(output, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        fail_msg("%s: %s", error.text, output);
    assert_int_equal(json_integer_value(json_object_get(root, "version")), 1);
    return root;
}

static json_int_t number(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_integer(value))
        fail_msg("no number \"%s\"", name);
    return json_integer_value(value);
}

/* The document of `route status`; its exit code. */
static int status_of(const struct dns *dns, struct route_key route, json_t **out)
{
    int code = command("route status %u %u -j -p %u", route.modid, route.cmdid, dns->port);
    *out = document();
    return code;
}

/* So many of so many have it, and a script can tell by the exit code. */
static void expect_status(const struct dns *dns, struct route_key route, json_int_t have, json_int_t all)
{
    json_t *root;
    int code = status_of(dns, route, &root);
    assert_int_equal(number(root, "have_it"), have);
    assert_int_equal(number(root, "subscribers"), all);
    assert_int_equal(json_array_size(json_object_get(root, "lagging")), (size_t)(all - have));
    assert_int_equal(code, have == all ? 0 : 3);
    json_decref(root);
}

static void take_answers(struct dns_client *client, struct route_key route, size_t hosts)
{
    while (dns_receive_hosts(client, route, NULL) != hosts)
        ;
}

static struct dns_client subscribe(const struct dns *dns, struct route_key route, size_t hosts)
{
    struct dns_client client = dns_connect(dns, 0);
    dns_ask(&client, route);
    take_answers(&client, route, hosts);
    return client;
}

static void name_of(const struct dns_client *client, char out[static 32])
{
    struct sockaddr_in address;
    socklen_t size = sizeof(address);
    assert_int_equal(getsockname(client->fd, (struct sockaddr *)&address, &size), 0);
    snprintf(out, 32, "127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
}

static const json_t *peer_named(const json_t *root, const char *name)
{
    size_t i;
    const json_t *peer;
    json_array_foreach(json_object_get(root, "peers"), i, peer) {
        if (strcmp(json_string_value(json_object_get(peer, "address")), name) == 0)
            return peer;
    }
    fail_msg("no peer %s", name);
    return NULL;
}

/* ---- what operators see ---- */

static void all_have_a_route_when_their_kernels_have_acknowledged_it(void **state)
{
    struct dns *dns = *state;
    dns_add(dns, key, 1, 1);
    struct dns_client first = subscribe(dns, key, 1), second = subscribe(dns, key, 1);
    expect_status(dns, key, 2, 2);
    dns_add(dns, key, 2, 1);
    /* The directory looks at the database for the command: what it counts is the newest answer. */
    eventually(command("route status 1 2 -p %u", dns->port) == 0);
    expect_said("2 hosts: the newest answer has arrived at 2 of 2 subscribers");
    take_answers(&first, key, 2);
    take_answers(&second, key, 2);
    dns_disconnect(&first);
    dns_disconnect(&second);
    eventually(command("route status 1 2 -p %u", dns->port) == 0 && strstr(errors, "at 0 of 0"));
    assert_int_equal(command("route status 7 7 -p %u", dns->port), 2);
    expect_said("no route 7 7");
}

static void subscriber_that_does_not_read_lags_and_is_named(void **state)
{
    struct dns *dns = *state;
    char name[32];
    dns_add(dns, large, 1, LARGE_ROUTE);
    struct dns_client reading = subscribe(dns, large, LARGE_ROUTE);
    struct dns_client stuck = dns_connect(dns, SMALL_BUFFER);
    name_of(&stuck, name);
    dns_ask(&stuck, large);
    json_t *root;
    assert_true(dns_readable(&stuck, EVENTUALLY_MS));
    expect_status(dns, large, 1, 2);
    assert_int_equal(status_of(dns, large, &root), 3);
    const json_t *lagging = json_array_get(json_object_get(root, "lagging"), 0);
    assert_string_equal(json_string_value(json_object_get(lagging, "address")), name);
    assert_string_equal(json_string_value(json_object_get(lagging, "waits_for")), "acknowledgement");
    assert_true(number(lagging, "unacknowledged_bytes") > SMALL_BUFFER);
    json_decref(root);
    assert_int_equal(command("route status 3 4 -p %u --wait 1", dns->port), 3);
    assert_memory_equal(output, name, strlen(name));
    assert_non_null(strstr(output, "not acknowledged"));

    /* An answer for another route stands behind what it has not read. */
    dns_ask(&stuck, key);
    eventually(command("route status 1 2 -p %u", dns->port) == 3);
    take_answers(&stuck, large, LARGE_ROUTE);
    assert_int_equal(command("route status 3 4 -p %u --wait 30", dns->port), 0);
    take_answers(&stuck, key, 0);
    dns_disconnect(&stuck);
    dns_disconnect(&reading);
}

static void answer_behind_others_that_are_not_read_is_not_delivered(void **state)
{
    enum {
        ROUTES = 30,
    };
    struct dns *dns = *state;
    struct dns_client stuck = dns_connect(dns, SMALL_BUFFER);
    for (uint32_t cmdid = 0; cmdid < ROUTES; cmdid++) {
        const struct route_key other = {9, cmdid};
        dns_add(dns, other, 1, LARGE_ROUTE);
        dns_ask(&stuck, other);
    }
    dns_ask(&stuck, key);
    json_t *root;
    eventually(command("route status 1 2 -p %u", dns->port) == 3);
    assert_int_equal(status_of(dns, key, &root), 3);
    const json_t *lagging = json_array_get(json_object_get(root, "lagging"), 0);
    assert_string_equal(json_string_value(json_object_get(lagging, "waits_for")), "earlier");
    json_decref(root);
    assert_int_equal(command("peers -j -p %u", dns->port), 0);
    root = document();
    const json_t *peer = json_array_get(json_object_get(root, "peers"), 0);
    assert_int_equal(number(peer, "routes"), ROUTES + 1);
    assert_true(number(peer, "answers_due") > 0 && number(peer, "answers_due") <= ROUTES + 1);
    json_decref(root);
    dns_disconnect(&stuck);
}

static void peers_are_listed_with_the_version_that_they_have(void **state)
{
    struct dns *dns = *state;
    char reading_name[32], stuck_name[32];
    dns_add(dns, large, 1, LARGE_ROUTE);
    struct dns_client reading = subscribe(dns, large, LARGE_ROUTE), silent = dns_connect(dns, 0);
    struct dns_client stuck = dns_connect(dns, SMALL_BUFFER);
    name_of(&reading, reading_name);
    name_of(&stuck, stuck_name);
    dns_ask(&stuck, large);
    dns_ask(&reading, key);
    take_answers(&reading, key, 0);
    assert_true(dns_readable(&stuck, EVENTUALLY_MS));
    eventually(command("route status 1 2 -p %u", dns->port) == 0);
    assert_int_equal(command("peers -j -p %u", dns->port), 0);
    json_t *root = document();
    assert_int_equal(json_array_size(json_object_get(root, "peers")), 3);
    json_int_t version = number(root, "data_version");
    const json_t *peer = peer_named(root, reading_name);
    assert_int_equal(number(peer, "data_version"), version);
    assert_int_equal(number(peer, "routes"), 2);
    assert_int_equal(number(peer, "unacknowledged_bytes"), 0);
    peer = peer_named(root, stuck_name);
    assert_true(json_is_null(json_object_get(peer, "data_version")));
    assert_true(number(peer, "unacknowledged_bytes") > 0);
    assert_true(number(peer, "since_unix_ms") / 1000 <= time(NULL) + 1);
    json_decref(root);
    assert_int_equal(command("peers -p %u", dns->port), 0);
    assert_non_null(strstr(output, reading_name));
    dns_disconnect(&stuck);
    dns_disconnect(&silent);
    dns_disconnect(&reading);
}

static void subscriber_that_takes_no_long_message_is_named_with_that(void **state)
{
    struct dns *dns = *state;
    dns_add(dns, large, 0xC0000000, 5000);
    struct dns_client old = dns_connect(dns, 0);
    dns_ask(&old, large);
    eventually(command("route status 3 4 -p %u", dns->port) == 3 && strstr(errors, "at 0 of 1 subscriber"));
    eventually(command("route status 3 4 -p %u", dns->port) == 3 &&
               strstr(output, "takes no message of this length"));
    dns_disconnect(&old);
}

static void directory_that_has_not_read_the_database_lags(void **state)
{
    struct dns *dns = *state;
    char other[80];
    dns_add(dns, key, 1, 1);
    struct dns_client client = subscribe(dns, key, 1);
    assert_int_equal(command("--db %s route status 1 2 -p %u", dns->file.path, dns->port), 0);
    snprintf(other, sizeof(other), "%s/other.db", dns->file.directory);
    assert_int_equal(command("--db %s route set 1 2 10.0.0.1:80 10.0.0.2:80", other), 0);
    assert_int_equal(command("--db %s route status 1 2 -p %u", other, dns->port), 3);
    expect_said("has not read the newest hosts from the database yet");
    unlink(other);
    dns_disconnect(&client);
}

static void without_a_directory_the_exit_code_says_so_and_the_text_what_to_do(void **state)
{
    struct dns *dns = *state;
    char words[64];
    assert_int_equal(command("peers --socket /nowhere/admin.sock"), 4);
    expect_said("no directory listens at /nowhere/admin.sock");
    expect_said("--socket");
    assert_int_equal(command("route status 1 2 --socket /nowhere/admin.sock --wait 5"), 4);
    assert_int_equal(command("peers --socket admin.sock"), 1);
    expect_said("absolute path");
    if (geteuid() != 0)
        return;
    snprintf(words, sizeof(words), "peers -p %u", dns->port);
    assert_int_equal(command_as(ORDINARY_USER, words), 4);
    expect_said("only root and the user of 'larshm-dns serve' may");
}

/* ---- what hostile users of the socket can do ---- */

static int connect_admin(const struct dns *dns)
{
    char name[16], tried[ADMIN_TRIED_SIZE];
    snprintf(name, sizeof(name), "dns.%u", dns->port);
    int fd = admin_client_connect("", name, EVENTUALLY_MS / 1000, tried);
    assert_true(fd >= 0);
    return fd;
}

static void say_admin(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* How many lines come until the connection ends, or one with "end". */
static size_t lines_of(int fd)
{
    FILE *in = fdopen(fd, "r");
    char line[4096];
    size_t lines = 0;
    while (fgets(line, sizeof(line), in)) {
        lines += line[0] != '\n';
        if (strstr(line, "\"end\""))
            break;
    }
    fclose(in);
    return lines;
}

static void peers_that_come_and_go_while_they_are_listed_break_no_list(void **state)
{
    enum {
        PEERS = 1500, /* more than the socket's buffers take */
    };
    struct dns *dns = *state;
    static struct dns_client clients[PEERS];
    for (size_t i = 0; i < PEERS; i++)
        clients[i] = dns_connect(dns, 0);
    char all[32];
    snprintf(all, sizeof(all), "peers -p %u", dns->port);
    eventually(command_as(0, all) == 0 && strstr(output, "127.0.0.1:"));
    int fd = connect_admin(dns), gone = connect_admin(dns);
    say_admin(fd, "{\"version\":1,\"command\":\"peers\"}\n");
    say_admin(gone, "{\"version\":1,\"command\":\"peers\"}\n");
    char byte;
    assert_int_equal(recv(fd, &byte, 1, 0), 1);
    assert_int_equal(recv(gone, &byte, 1, 0), 1);
    close(gone);
    for (size_t i = 0; i < PEERS; i += 2)
        dns_disconnect(&clients[i]);
    struct dns_client served = subscribe(dns, key, 0);
    size_t lines = lines_of(fd);
    assert_true(lines > PEERS / 2 && lines <= PEERS + 2);
    for (size_t i = 1; i < PEERS; i += 2)
        dns_disconnect(&clients[i]);
    dns_disconnect(&served);
}

static void hostile_connections_are_few_and_bounded_and_fetchers_are_served(void **state)
{
    enum {
        MOST = 8,
    };
    struct dns *dns = *state;
    static char garbage[100000];
    memset(garbage, 'x', sizeof(garbage));
    int fds[MOST];
    for (int i = 0; i < MOST; i++)
        fds[i] = connect_admin(dns);
    int refused = connect_admin(dns);
    char answer[256] = "";
    assert_true(recv(refused, answer, sizeof(answer) - 1, 0) > 0);
    assert_non_null(strstr(answer, "\"busy\""));
    close(refused);
    assert_int_equal(command("peers -p %u", dns->port), 1);
    expect_said("connections at once are served");
    send(fds[0], garbage, sizeof(garbage), MSG_NOSIGNAL);
    say_admin(fds[1], "{\"version\":1,\"command\":\"route_status\"}\n");
    assert_true(recv(fds[0], answer, sizeof(answer) - 1, 0) > 0);
    assert_non_null(strstr(answer, "\"too_long\""));
    assert_true(recv(fds[1], answer, sizeof(answer) - 1, 0) > 0);
    assert_non_null(strstr(answer, "\"unknown_command\""));
    struct dns_client client = subscribe(dns, key, 0);
    dns_disconnect(&client);
    close(fds[1]);
    eventually(command("peers -p %u", dns->port) == 0);
    for (int i = 2; i < MOST; i++)
        close(fds[i]);
    close(fds[0]);
}

static void directory_without_a_socket_serves_and_says_what_to_do(void **state)
{
    struct dns *dns = *state;
    dns_add(dns, key, 1, 1);
    struct dns_client client = subscribe(dns, key, 1);
    assert_int_equal(process_said(&dns->process, "'larshm-dns peers' and 'larshm-dns route status' do not "
                                                 "work: /nowhere/admin.sock: "),
                     1);
    assert_int_equal(process_said(&dns->process, "name another path with --socket"), 1);
    dns_disconnect(&client);
}

static int setup_without_socket(void **state)
{
    return dns_setup_with(state, NULL, (char *const[]){"--socket", "/nowhere/admin.sock", NULL});
}

#define status_test(function) cmocka_unit_test_setup_teardown(function, dns_setup, dns_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        status_test(all_have_a_route_when_their_kernels_have_acknowledged_it),
        status_test(subscriber_that_does_not_read_lags_and_is_named),
        status_test(answer_behind_others_that_are_not_read_is_not_delivered),
        status_test(peers_are_listed_with_the_version_that_they_have),
        status_test(subscriber_that_takes_no_long_message_is_named_with_that),
        status_test(directory_that_has_not_read_the_database_lags),
        status_test(without_a_directory_the_exit_code_says_so_and_the_text_what_to_do),
        status_test(peers_that_come_and_go_while_they_are_listed_break_no_list),
        status_test(hostile_connections_are_few_and_bounded_and_fetchers_are_served),
        cmocka_unit_test_setup_teardown(directory_without_a_socket_serves_and_says_what_to_do,
                                        setup_without_socket, dns_teardown),
    };
    return cmocka_run_group_tests_name("integration/dns_status", tests, NULL, NULL);
}
