/* SPDX-License-Identifier: MIT */
/* Runs larshm-dns and speaks the protocol with it over real sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "lars.pb-c.h"
#include "proto/frame.h"
#include "tools/dns/store.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

enum {
    WAIT_MS = 30000, /* until a thing that must happen counts as hanging */
    QUIET_MS = 400,  /* a push would have come in this time */
    FEW_FILES = 64,
};

/* A running directory on a database of its own, and a store to edit it with. */
struct fixture {
    char directory[32], db[64], log[64];
    struct store *store;
    pid_t pid;
    in_port_t port;
};

struct client {
    int fd;
    struct frame_stream input;
};

static void run_server(const struct fixture *fixture, int out, rlim_t files)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int log = open(fixture->log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    struct rlimit limit = {files, files};
    if (log < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0 ||
        (files && setrlimit(RLIMIT_NOFILE, &limit) != 0))
        _exit(127);
    execl(LARSHM_DNS, "larshm-dns", "--db", fixture->db, "serve", "--listen", "127.0.0.1:0",
          "--max-subscriptions", "1000", (char *)NULL);
    _exit(127);
}

static void start_server(struct fixture *fixture, rlim_t files)
{
    int out[2];
    unsigned port;
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    fixture->pid = fork();
    if (fixture->pid == 0)
        run_server(fixture, out[1], files);
    close(out[1]);
    FILE *lines = fdopen(out[0], "r");
    assert_non_null(lines);
    assert_int_equal(fscanf(lines, "listening on 127.0.0.1:%u", &port), 1);
    fclose(lines);
    fixture->port = (in_port_t)port;
}

static int setup_with(void **state, rlim_t files)
{
    char error[STORE_ERROR_SIZE];
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    strcpy(fixture->directory, "/tmp/dns-serve-XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    snprintf(fixture->db, sizeof(fixture->db), "%s/routes.db", fixture->directory);
    snprintf(fixture->log, sizeof(fixture->log), "%s/log", fixture->directory);
    start_server(fixture, files);
    assert_int_equal(store_open(&fixture->store, fixture->db, STORE_EXISTING, error), 0);
    *state = fixture;
    return 0;
}

static int setup(void **state)
{
    return setup_with(state, 0);
}

static int setup_few_files(void **state)
{
    return setup_with(state, FEW_FILES);
}

/* Every test ends with a directory that is alive and stops cleanly. */
static int teardown(void **state)
{
    static const char *const names[] = {"routes.db", "routes.db-wal", "routes.db-shm", "log"};
    struct fixture *fixture = *state;
    int status = -1;
    kill(fixture->pid, SIGTERM);
    waitpid(fixture->pid, &status, 0);
    store_close(fixture->store);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        char path[80];
        snprintf(path, sizeof(path), "%s/%s", fixture->directory, names[i]);
        unlink(path);
    }
    rmdir(fixture->directory);
    free(fixture);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

/* `receive_buffer` 0: the system's. */
static struct client connect_client(const struct fixture *fixture, int receive_buffer)
{
    struct client client = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(fixture->port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    assert_true(client.fd >= 0);
    if (receive_buffer)
        assert_int_equal(
            setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer)), 0);
    assert_int_equal(connect(client.fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return client;
}

static void disconnect(struct client *client)
{
    frame_stream_free(&client->input);
    close(client->fd);
}

static size_t request(struct route_key key, uint8_t out[static 64])
{
    Lars__GetRouteRequest message = LARS__GET_ROUTE_REQUEST__INIT;
    message.modid = (int32_t)key.modid;
    message.cmdid = (int32_t)key.cmdid;
    size_t length = lars__get_route_request__pack(&message, out + FRAME_HEADER);
    frame_header(out, LARS__MESSAGE_ID__ID_GetRouteRequest, (uint32_t)length);
    return FRAME_HEADER + length;
}

static void send_all(struct client *client, const void *data, size_t size)
{
    assert_int_equal(send(client->fd, data, size, MSG_NOSIGNAL), size);
}

static void ask(struct client *client, struct route_key key)
{
    uint8_t bytes[64];
    send_all(client, bytes, request(key, bytes));
}

/* False: nothing can be read for so long. */
static bool readable(struct client *client, int timeout_ms)
{
    struct pollfd poll_fd = {.fd = client->fd, .events = POLLIN};
    return poll(&poll_fd, 1, timeout_ms) == 1;
}

/* The next answer; free it with lars__get_route_response__free_unpacked(). NULL: the connection is closed. */
static Lars__GetRouteResponse *receive(struct client *client)
{
    struct frame frame;
    while (frame_stream_next(&client->input, &frame) != FRAME_OK) {
        uint8_t bytes[4096];
        if (!readable(client, WAIT_MS))
            fail_msg("no answer");
        ssize_t size = recv(client->fd, bytes, sizeof(bytes), 0);
        if (size <= 0)
            return NULL;
        assert_int_equal(frame_stream_append(&client->input, bytes, (size_t)size), 0);
    }
    assert_int_equal(frame.id, LARS__MESSAGE_ID__ID_GetRouteResponse);
    Lars__GetRouteResponse *response = lars__get_route_response__unpack(NULL, frame.length, frame.body);
    assert_non_null(response);
    return response;
}

/* Receives an answer for the key and returns how many hosts it has; *first is the first one's address. */
static size_t receive_hosts(struct client *client, struct route_key key, uint32_t *first)
{
    Lars__GetRouteResponse *response = receive(client);
    assert_non_null(response);
    assert_int_equal((uint32_t)response->modid, key.modid);
    assert_int_equal((uint32_t)response->cmdid, key.cmdid);
    size_t count = response->n_host;
    if (count && first)
        *first = (uint32_t)response->host[0]->ip;
    lars__get_route_response__free_unpacked(response, NULL);
    return count;
}

static void add(const struct fixture *fixture, struct route_key key, uint32_t ip, size_t count)
{
    struct store_edit edit;
    assert_int_equal(store_begin(fixture->store), 0);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(store_add(fixture->store, key, (struct route_host){ip + (uint32_t)i, 8080}), 1);
    assert_int_equal(store_commit(fixture->store, &edit), 0);
}

/* In one edit, so that nobody sees the route without either. */
static void replace(const struct fixture *fixture, struct route_key key, uint32_t old_ip, uint32_t new_ip)
{
    struct store_edit edit;
    assert_int_equal(store_begin(fixture->store), 0);
    assert_int_equal(store_delete(fixture->store, key, &(struct route_host){old_ip, 8080}), 1);
    assert_int_equal(store_add(fixture->store, key, (struct route_host){new_ip, 8080}), 1);
    assert_int_equal(store_commit(fixture->store, &edit), 0);
}

static void run_sql(const struct fixture *fixture, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(fixture->db, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, WAIT_MS);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_close(db);
}

static int count_log(const struct fixture *fixture, const char *word)
{
    char line[512];
    int count = 0;
    FILE *file = fopen(fixture->log, "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file))
        count += strstr(line, word) != NULL;
    fclose(file);
    return count;
}

static void request_is_answered_with_all_hosts_and_high_numbers_survive(void **state)
{
    struct fixture *fixture = *state;
    struct route_key key = {4294967295, 2147483648};
    add(fixture, key, 0x0A000001, 1);
    add(fixture, key, 0x80000000, 1);
    add(fixture, key, 0xFFFFFFFF, 1);
    struct client client = connect_client(fixture, 0);
    ask(&client, key);
    Lars__GetRouteResponse *response = receive(&client);
    assert_non_null(response);
    assert_int_equal(response->modid, -1);
    assert_int_equal(response->cmdid, INT32_MIN);
    assert_int_equal(response->n_host, 3);
    assert_int_equal(response->host[0]->ip, 167772161);
    assert_int_equal(response->host[1]->ip, INT32_MIN);
    assert_int_equal(response->host[2]->ip, -1);
    assert_int_equal(response->host[2]->port, 8080);
    lars__get_route_response__free_unpacked(response, NULL);
    disconnect(&client);
}

static void unknown_route_is_answered_with_no_host_and_pushed_when_it_appears(void **state)
{
    struct fixture *fixture = *state;
    struct route_key key = {0, 0};
    struct client client = connect_client(fixture, 0);
    ask(&client, key);
    assert_int_equal(receive_hosts(&client, key, NULL), 0);
    add(fixture, key, 1, 2);
    assert_int_equal(receive_hosts(&client, key, NULL), 2);
    disconnect(&client);
}

static void each_request_is_answered_even_when_nothing_changed(void **state)
{
    struct fixture *fixture = *state;
    struct route_key key = {5, 6};
    add(fixture, key, 1, 1);
    struct client client = connect_client(fixture, 0);
    for (int i = 0; i < 100; i++) {
        ask(&client, key);
        assert_int_equal(receive_hosts(&client, key, NULL), 1);
    }
    disconnect(&client);
}

static void change_is_pushed_to_subscribers_only(void **state)
{
    struct fixture *fixture = *state;
    struct route_key key = {1, 2}, other = {1, 3};
    add(fixture, key, 1, 1);
    add(fixture, other, 1, 1);
    struct client both = connect_client(fixture, 0), one = connect_client(fixture, 0),
                  none = connect_client(fixture, 0);
    ask(&both, key);
    receive_hosts(&both, key, NULL);
    ask(&both, other);
    receive_hosts(&both, other, NULL);
    ask(&one, other);
    receive_hosts(&one, other, NULL);

    add(fixture, key, 100, 1);
    assert_int_equal(receive_hosts(&both, key, NULL), 2);
    assert_false(readable(&one, QUIET_MS));
    assert_false(readable(&none, 0));
    assert_false(readable(&both, 0));

    add(fixture, other, 100, 1);
    assert_int_equal(receive_hosts(&one, other, NULL), 2);
    assert_int_equal(receive_hosts(&both, other, NULL), 2);
    disconnect(&both);
    disconnect(&one);
    disconnect(&none);
}

static void change_by_plain_sql_in_the_manner_of_lars_is_pushed(void **state)
{
    struct fixture *fixture = *state;
    struct route_key key = {8, 9};
    struct client client = connect_client(fixture, 0);
    ask(&client, key);
    assert_int_equal(receive_hosts(&client, key, NULL), 0);
    run_sql(fixture,
            "INSERT INTO RouteData (modid, cmdid, serverip, serverport) VALUES (8, 9, 3232235777, 99);"
            "INSERT INTO RouteChange (modid, cmdid, version) VALUES (8, 9, unixepoch());"
            "UPDATE RouteVersion SET version = unixepoch() WHERE id = 1;");
    uint32_t ip = 0;
    assert_int_equal(receive_hosts(&client, key, &ip), 1);
    assert_int_equal(ip, 3232235777);
    disconnect(&client);
}

static void change_without_a_change_row_is_found_in_time(void **state)
{
    struct fixture *fixture = *state;
    struct route_key key = {8, 9};
    struct client client = connect_client(fixture, 0);
    ask(&client, key);
    assert_int_equal(receive_hosts(&client, key, NULL), 0);
    run_sql(fixture, "INSERT INTO RouteData (modid, cmdid, serverip, serverport) VALUES (8, 9, 7, 99)");
    assert_int_equal(receive_hosts(&client, key, NULL), 1);
    assert_false(readable(&client, QUIET_MS));
    disconnect(&client);
}

static long resident_kb(const struct fixture *fixture)
{
    char path[64];
    long pages = 0;
    snprintf(path, sizeof(path), "/proc/%d/statm", (int)fixture->pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%*d %ld", &pages), 1);
    fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void peer_that_does_not_read_costs_little_and_gets_the_newest_later(void **state)
{
    enum {
        CHANGES = 40,
        HOSTS = 3000,
    };
    struct fixture *fixture = *state;
    struct route_key key = {1, 1};
    uint32_t ip = 0, first = 0x80000000;
    add(fixture, key, first + CHANGES + 1, HOSTS);
    add(fixture, key, first, 1);
    struct client lazy = connect_client(fixture, 4096), eager = connect_client(fixture, 0);
    ask(&lazy, key);
    ask(&eager, key);
    assert_int_equal(receive_hosts(&eager, key, NULL), HOSTS + 1);
    long before = resident_kb(fixture);
    for (uint32_t i = 0; i < CHANGES; i++) {
        replace(fixture, key, first + i, first + i + 1);
        assert_int_equal(receive_hosts(&eager, key, &ip), HOSTS + 1);
        assert_int_equal(ip, first + i + 1);
    }
    long growth = resident_kb(fixture) - before;
#ifdef SANITIZED
    (void)growth; /* a sanitizer keeps freed memory */
#else
    assert_true(growth < 1024);
#endif
    int answers = 0;
    do {
        assert_int_equal(receive_hosts(&lazy, key, &ip), HOSTS + 1);
        answers++;
    } while (ip != first + CHANGES);
    assert_true(answers <= CHANGES / 4);
    assert_false(readable(&lazy, QUIET_MS));
    disconnect(&lazy);
    disconnect(&eager);
}

static void requests_in_single_bytes_are_answered_as_if_whole(void **state)
{
    struct fixture *fixture = *state;
    struct route_key key = {300, 400};
    struct client client = connect_client(fixture, 0);
    uint8_t bytes[64];
    size_t size = request(key, bytes);
    for (size_t i = 0; i < size; i++) {
        send_all(&client, bytes + i, 1);
        usleep(1000);
    }
    assert_int_equal(receive_hosts(&client, key, NULL), 0);
    disconnect(&client);
}

static void bad_frame_closes_its_connection_and_no_other(void **state)
{
    static const struct {
        int32_t id;
        uint32_t length;
        char body[4];
        size_t size;
    } bad[] = {
        {1, 0xFFFFFFFF, "", 0},         {1, 0x7FFFFFFF, "", 0},
        {1, FRAME_BODY_MAX + 1, "", 0}, {1, 2, "\x08\xFF", 2}, /* a number that does not end */
        {1, 4, "\xFF\xFF\xFF\xFF", 4},
    };
    enum {
        BAD = sizeof(bad) / sizeof(*bad),
    };
    struct fixture *fixture = *state;
    struct route_key key = {1, 2};
    struct client good = connect_client(fixture, 0);
    for (size_t i = 0; i < BAD; i++) {
        struct client client = connect_client(fixture, 0);
        uint8_t bytes[FRAME_HEADER + 4];
        frame_header(bytes, bad[i].id, bad[i].length);
        memcpy(bytes + FRAME_HEADER, bad[i].body, 4);
        send_all(&client, bytes, FRAME_HEADER + bad[i].size);
        assert_null(receive(&client));
        disconnect(&client);
        ask(&good, key);
        assert_int_equal(receive_hosts(&good, key, NULL), 0);
    }
    assert_int_equal(count_log(fixture, "closed 127.0.0.1:"), BAD);
    disconnect(&good);
}

static void unknown_message_is_skipped(void **state)
{
    struct fixture *fixture = *state;
    struct route_key key = {1, 2};
    struct client client = connect_client(fixture, 0);
    static const int32_t ids[] = {0, 2, 3, 7, 99, -1};
    for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
        uint8_t bytes[FRAME_HEADER + 3] = {0};
        frame_header(bytes, ids[i], 3);
        send_all(&client, bytes, sizeof(bytes));
    }
    ask(&client, key);
    assert_int_equal(receive_hosts(&client, key, NULL), 0);
    disconnect(&client);
}

static void route_near_the_frame_limit_is_whole_and_a_larger_one_is_cut(void **state)
{
    enum {
        HIGH_HOST = 16, /* bytes in an answer: 2, ip 1 + 10, port 1 + 2 */
        FITTING = (FRAME_BODY_MAX - 4) / HIGH_HOST,
    };
    struct fixture *fixture = *state;
    struct route_key whole = {1, 1}, large = {2, 2};
    add(fixture, whole, 0x80000000, FITTING);
    add(fixture, large, 0x80000000, FITTING + 1);
    struct client client = connect_client(fixture, 0);
    ask(&client, whole);
    assert_int_equal(receive_hosts(&client, whole, NULL), FITTING);
    assert_int_equal(count_log(fixture, "does not fit"), 0);
    for (int i = 0; i < 3; i++) {
        ask(&client, large);
        assert_int_equal(receive_hosts(&client, large, NULL), FITTING);
    }
    assert_int_equal(count_log(fixture, "route 2 2 does not fit"), 1);
    disconnect(&client);
}

static void too_many_subscriptions_close_the_connection(void **state)
{
    struct fixture *fixture = *state;
    struct client client = connect_client(fixture, 0);
    for (uint32_t i = 0; i < 1000; i++) {
        struct route_key key = {1, i};
        ask(&client, key);
        assert_int_equal(receive_hosts(&client, key, NULL), 0);
    }
    ask(&client, (struct route_key){1, 999});
    assert_int_equal(receive_hosts(&client, (struct route_key){1, 999}, NULL), 0);
    ask(&client, (struct route_key){1, 1000});
    assert_null(receive(&client));
    assert_int_equal(count_log(fixture, "--max-subscriptions"), 1);
    disconnect(&client);
}

static void running_out_of_descriptors_refuses_newcomers_and_serves_the_rest(void **state)
{
    struct fixture *fixture = *state;
    struct route_key key = {1, 2};
    struct client clients[FEW_FILES];
    for (int i = 0; i < FEW_FILES; i++)
        clients[i] = connect_client(fixture, 0);
    assert_null(receive(&clients[FEW_FILES - 1]));
    ask(&clients[0], key);
    assert_int_equal(receive_hosts(&clients[0], key, NULL), 0);
    assert_int_equal(count_log(fixture, "limit of open files"), 1);
    for (int i = 1; i < FEW_FILES; i++)
        disconnect(&clients[i]);
    add(fixture, key, 1, 1);
    assert_int_equal(receive_hosts(&clients[0], key, NULL), 1);
    struct client late = connect_client(fixture, 0);
    ask(&late, key);
    assert_int_equal(receive_hosts(&late, key, NULL), 1);
    disconnect(&late);
    disconnect(&clients[0]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(request_is_answered_with_all_hosts_and_high_numbers_survive),
        TEST(unknown_route_is_answered_with_no_host_and_pushed_when_it_appears),
        TEST(each_request_is_answered_even_when_nothing_changed),
        TEST(change_is_pushed_to_subscribers_only),
        TEST(change_by_plain_sql_in_the_manner_of_lars_is_pushed),
        TEST(change_without_a_change_row_is_found_in_time),
        TEST(peer_that_does_not_read_costs_little_and_gets_the_newest_later),
        TEST(requests_in_single_bytes_are_answered_as_if_whole),
        TEST(bad_frame_closes_its_connection_and_no_other),
        TEST(unknown_message_is_skipped),
        TEST(route_near_the_frame_limit_is_whole_and_a_larger_one_is_cut),
        TEST(too_many_subscriptions_close_the_connection),
        cmocka_unit_test_setup_teardown(running_out_of_descriptors_refuses_newcomers_and_serves_the_rest,
                                        setup_few_files, teardown),
    };
    return cmocka_run_group_tests_name("dns/serve", tests, NULL, NULL);
}
