/* SPDX-License-Identifier: MIT */
/* A real fetcher's admin socket: operators' commands are carried out, and no peer can make it wait or grow. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/admin.h"
#include "tests/support/eventually.h"
#include "tests/support/rotation.h"

#define COMMAND(name, rest) "{\"version\":1,\"command\":\"" name "\"" rest "}"
#define HOST(last)          ",\"modid\":1,\"cmdid\":1,\"host\":\"10.0.0." #last ":7000\""

enum {
    PEERS = 100,
    LINE_MAX_BYTES = 65536,
    DRAINED = 3,
    GROWTH_KIB = 32 * 1024,
};

/* Something that the fetcher answers at once while it works. */
static void expect_served(const struct fixture *fixture)
{
    assert_string_equal(admin_command(&fixture->fetcher, COMMAND("drain", HOST(77))), "no_such_host");
}

/* ---- commands ---- */

static void drain_pin_and_clear_come_before_what_calls_report(void **state)
{
    struct fixture *fixture = *state;
    rotation_start(fixture, rotation_without_time);
    assert_string_equal(admin_command(&fixture->fetcher, COMMAND("drain", HOST(3))), "ok");
    assert_int_equal(rotation_pick(fixture->client, ROTATION_PICKS).of[DRAINED], 0);
    assert_string_equal(admin_command(&fixture->fetcher, COMMAND("pin", HOST(3))), "ok");
    rotation_eject(fixture, DRAINED);
    assert_true(rotation_includes(fixture->client, DRAINED));
    assert_string_equal(admin_command(&fixture->fetcher, COMMAND("clear", HOST(3))), "ok");
    rotation_expect_probes_only(fixture->client, DRAINED);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_orders), 3);
}

static void route_or_host_that_is_not_there_is_named_and_nothing_changes(void **state)
{
    struct fixture *fixture = *state;
    rotation_start(fixture, rotation_without_time);
    assert_string_equal(admin_command(&fixture->fetcher, COMMAND("drain", HOST(77))), "no_such_host");
    assert_string_equal(
        admin_command(&fixture->fetcher,
                      COMMAND("drain", ",\"modid\":9,\"cmdid\":9,\"host\":\"10.0.0.1:7000\"")),
        "no_such_route");
    assert_string_equal(
        admin_command(&fixture->fetcher, COMMAND("drain", ",\"modid\":4294967295,\"cmdid\":4294967295,"
                                                          "\"host\":\"10.0.0.1:7000\"")),
        "no_such_route");
    assert_int_equal(host_health_count(&fixture->fetcher, route_key(1, 1)), 0);
    rotation_expect_all(fixture->client);
}

static json_t *reload(const struct fixture *fixture)
{
    int fd = admin_connect(&fixture->fetcher);
    assert_true(admin_send(fd, COMMAND("reload", "") "\n"));
    json_t *answer = admin_receive(fd);
    assert_non_null(answer);
    close(fd);
    return answer;
}

static const char *member(const json_t *answer, const char *name)
{
    const char *text = json_string_value(json_object_get(answer, name));
    return text ? text : "missing";
}

static void reload_answers_whether_the_configuration_is_in_use(void **state)
{
    struct fixture *fixture = *state;
    char line_3[128];
    fixture_start(fixture);
    json_t *answer = reload(fixture);
    assert_string_equal(member(answer, "needs_restart"), "");
    assert_string_equal(member(answer, "file"), fixture->fetcher.config_path);
    json_decref(answer);
    assert_int_equal(process_said(&fixture->fetcher.process, "reloaded"), 1);

    fixture->fetcher.config.max_bytes = "17M";
    fetcher_configure(&fixture->fetcher);
    answer = reload(fixture);
    assert_string_equal(member(answer, "needs_restart"), "shm.max_bytes");
    json_decref(answer);

    fetcher_configure_text(&fixture->fetcher, "[fetcher]\n\npoll_interval_ms = none\n");
    snprintf(line_3, sizeof(line_3), "%s:3: fetcher.poll_interval_ms", fixture->fetcher.config_path);
    answer = reload(fixture);
    assert_string_equal(member(answer, "code"), "bad_config");
    assert_non_null(strstr(member(answer, "error"), line_3));
    json_decref(answer);
    assert_int_equal(process_said(&fixture->fetcher.process, "reloaded"), 2);
}

static void reload_of_a_fetcher_without_a_file_looks_names_up_and_says_that_there_is_none(void **state)
{
    struct fixture *fixture = *state;
    struct fetcher *fetcher = &fixture->fetcher;
    char run[] = "/run";
    if (geteuid() != 0 || access(run, W_OK) != 0)
        skip(); /* without a file, the socket is in its default place */
    char *const argv[] = {LARSHM_FETCHER, "--dns", "127.0.0.1:1", "-n", fetcher->instance, NULL};
    process_start(&fetcher->process, fetcher->log_path, argv);
    eventually(process_said(&fetcher->process, "serving instance") > 0);
    snprintf(fetcher->admin_path, sizeof(fetcher->admin_path), "/run/larshm/%s/admin.sock",
             fetcher->instance);
    json_t *answer = reload(fixture);
    assert_string_equal(member(answer, "needs_restart"), "");
    assert_string_equal(member(answer, "file"), "");
    assert_int_equal(process_said(&fetcher->process, "started without -c; names are looked up again"), 1);
    json_decref(answer);
    fetcher_stop(fetcher);
    *strrchr(fetcher->admin_path, '/') = '\0';
    assert_int_equal(access(fetcher->admin_path, F_OK), -1);
}

/* ---- what is no command ---- */

static void what_is_no_request_is_refused_by_name_and_the_connection_goes_on(void **state)
{
    static const struct {
        const char *line, *code;
    } wrong[] = {
        {"", "bad_json"},
        {"drain 1 1 10.0.0.1:7000", "bad_json"},
        {"{\"version\":1,\"command\":\"drain\"", "bad_json"},
        {"\xff\xfe{}", "bad_json"},
        {"[]", "bad_request"},
        {"{}", "bad_request"},
        {"{\"version\":2,\"command\":\"reload\"}", "bad_version"},
        {"{\"version\":\"1\",\"command\":\"reload\"}", "bad_request"},
        {"{\"version\":1,\"command\":[\"reload\"]}", "bad_request"},
        {COMMAND("explode", ""), "unknown_command"},
        {COMMAND("reload", HOST(1)), "bad_request"},
        {COMMAND("drain", ""), "bad_request"},
        {COMMAND("drain", ",\"modid\":1,\"cmdid\":1"), "bad_request"},
        {COMMAND("drain", ",\"modid\":\"1\",\"cmdid\":1,\"host\":\"10.0.0.1:7000\""), "bad_request"},
        {COMMAND("drain", ",\"modid\":1,\"cmdid\":1,\"host\":167772161"), "bad_request"},
    };
    struct fixture *fixture = *state;
    char line[256];
    rotation_start(fixture, rotation_without_time);
    int fd = admin_connect(&fixture->fetcher);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        snprintf(line, sizeof(line), "%s\n", wrong[i].line);
        assert_true(admin_send(fd, line));
        assert_string_equal(admin_code(fd), wrong[i].code);
    }
    assert_true(admin_send(fd, COMMAND("drain", HOST(1)) "\n"));
    assert_string_equal(admin_code(fd), "ok");
    close(fd);
}

static void deep_nesting_is_refused(void **state)
{
    struct fixture *fixture = *state;
    static char line[LINE_MAX_BYTES];
    fixture_start(fixture);
    memset(line, '[', sizeof(line) - 2);
    line[sizeof(line) - 2] = '\n';
    int fd = admin_connect(&fixture->fetcher);
    assert_true(admin_send(fd, line));
    assert_string_equal(admin_code(fd), "bad_json");
    close(fd);
}

static void requests_in_pieces_and_in_one_piece_are_answered_in_turn(void **state)
{
    static const char two[] = COMMAND("drain", HOST(1)) "\n" COMMAND(
        "drain", ",\"modid\":9,\"cmdid\":9,\"host\":\"10.0.0.1:7000\"") "\n";
    struct fixture *fixture = *state;
    rotation_start(fixture, rotation_without_time);
    int fd = admin_connect(&fixture->fetcher);
    assert_true(admin_send(fd, two));
    for (size_t i = 0; i < sizeof(two) - 1; i++)
        assert_int_equal(send(fd, &two[i], 1, MSG_NOSIGNAL), 1);
    assert_int_equal(shutdown(fd, SHUT_WR), 0); /* as socat does; both are answered all the same */
    for (int i = 0; i < 2; i++) {
        assert_string_equal(admin_code(fd), "ok");
        assert_string_equal(admin_code(fd), "no_such_route");
    }
    assert_string_equal(admin_code(fd), "ended");
    close(fd);
}

/* ---- peers that mean no good ---- */

static void one_connection_too_many_is_told_so_and_ended(void **state)
{
    struct fixture *fixture = *state;
    int peers[PEERS];
    rotation_start(fixture, rotation_without_time);
    for (int i = 0; i < PEERS; i++)
        peers[i] = admin_connect(&fixture->fetcher);
    int excess = admin_connect(&fixture->fetcher);
    assert_string_equal(admin_code(excess), "busy");
    assert_string_equal(admin_code(excess), "ended");
    close(excess);
    assert_true(admin_send(peers[PEERS - 1], COMMAND("drain", HOST(77)) "\n"));
    assert_string_equal(admin_code(peers[PEERS - 1]), "no_such_host");
    for (int i = 0; i < PEERS; i++)
        close(peers[i]);
    eventually(strcmp(admin_command(&fixture->fetcher, COMMAND("drain", HOST(77))), "busy") != 0);
    expect_served(fixture);
}

static void endless_line_is_refused_and_the_connection_ended(void **state)
{
    struct fixture *fixture = *state;
    char block[4096];
    bool open = true;
    rotation_start(fixture, rotation_without_time);
    memset(block, 'x', sizeof(block));
    int fd = admin_connect(&fixture->fetcher);
    for (int i = 0; open && i < 1024; i++)
        open = send(fd, block, sizeof(block), MSG_NOSIGNAL) > 0;
    assert_false(open);
    assert_string_equal(admin_code(fd), "too_long");
    assert_string_equal(admin_code(fd), "ended");
    close(fd);
    expect_served(fixture);
}

/* Sends requests until the fetcher takes no more of them. */
static void stuff(int fd)
{
    static const char request[] = COMMAND("drain", HOST(77)) "\n";
    bool full = false;
    while (!full) {
        if (send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
            pause_ms(200); /* it may only be slow */
            full = send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0;
        }
    }
}

static bool is_dropped(int fd)
{
    return send(fd, " ", 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno == EPIPE;
}

static void silent_halting_and_deaf_peers_are_dropped_while_others_are_served(void **state)
{
    struct fixture *fixture = *state;
    rotation_start(fixture, rotation_without_time);
    long before = process_memory(&fixture->fetcher.process);
    int silent = admin_connect(&fixture->fetcher), halting = admin_connect(&fixture->fetcher),
        deaf = admin_connect(&fixture->fetcher);
    assert_true(admin_send(halting, "{\"version\":1,"));
    stuff(deaf);
    expect_served(fixture);
    assert_true(process_memory(&fixture->fetcher.process) < before + GROWTH_KIB);
    assert_string_equal(admin_code(silent), "ended");
    assert_string_equal(admin_code(halting), "ended");
    eventually(is_dropped(deaf));
    expect_served(fixture);
    close(silent);
    close(halting);
    close(deaf);
}

/* ---- the socket ---- */

static void socket_is_its_users_alone_and_gone_after_a_stop(void **state)
{
    struct fixture *fixture = *state;
    struct stat st;
    fixture_start(fixture);
    assert_int_equal(lstat(fixture->fetcher.admin_path, &st), 0);
    assert_int_equal(st.st_mode, S_IFSOCK | 0600);
    assert_int_equal(st.st_uid, geteuid());
    int fd = admin_connect(&fixture->fetcher);
    fetcher_stop(&fixture->fetcher);
    assert_string_equal(admin_code(fd), "ended");
    close(fd);
    assert_int_equal(lstat(fixture->fetcher.admin_path, &st), -1);
}

static void socket_of_a_killed_fetcher_is_replaced_by_the_next(void **state)
{
    struct fixture *fixture = *state;
    struct stat st;
    fixture_start(fixture);
    process_kill(&fixture->fetcher.process);
    assert_int_equal(lstat(fixture->fetcher.admin_path, &st), 0);
    fetcher_start(&fixture->fetcher);
    assert_string_equal(admin_command(&fixture->fetcher, COMMAND("reload", "")), "ok");
}

static void socket_that_was_removed_or_replaced_comes_back(void **state)
{
    struct fixture *fixture = *state;
    const char *path = fixture->fetcher.admin_path;
    rotation_start(fixture, rotation_without_time);
    expect_served(fixture);
    assert_int_equal(unlink(path), 0);
    eventually(access(path, F_OK) == 0);
    eventually(process_said(&fixture->fetcher.process, "was removed or replaced") == 1);
    expect_served(fixture);
    /* Something that is not the fetcher's stays until it is gone. */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    eventually(process_said(&fixture->fetcher.process, "something else is there") == 1);
    assert_int_equal(rmdir(path), 0);
    eventually(access(path, F_OK) == 0);
    expect_served(fixture);
}

static void fetcher_goes_on_without_a_socket_and_says_what_to_do(void **state)
{
    struct fixture *fixture = *state;
    static const char warning[] = "no admin socket", remedy[] = "set [fetcher] admin_socket";
    snprintf(fixture->fetcher.admin_path, sizeof(fixture->fetcher.admin_path), "%s/none/admin.sock",
             fixture->fetcher.home);
    fixture_connect_with_good_route(fixture);
    assert_int_equal(process_said(&fixture->fetcher.process, warning), 1);
    assert_int_equal(process_said(&fixture->fetcher.process, remedy), 1);
    assert_true(fixture_serves_good_route(fixture));
    fetcher_stop(&fixture->fetcher);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(drain_pin_and_clear_come_before_what_calls_report),
        fixture_test(route_or_host_that_is_not_there_is_named_and_nothing_changes),
        fixture_test(reload_answers_whether_the_configuration_is_in_use),
        fixture_test(reload_of_a_fetcher_without_a_file_looks_names_up_and_says_that_there_is_none),
        fixture_test(what_is_no_request_is_refused_by_name_and_the_connection_goes_on),
        fixture_test(deep_nesting_is_refused),
        fixture_test(requests_in_pieces_and_in_one_piece_are_answered_in_turn),
        fixture_test(one_connection_too_many_is_told_so_and_ended),
        fixture_test(endless_line_is_refused_and_the_connection_ended),
        fixture_test(silent_halting_and_deaf_peers_are_dropped_while_others_are_served),
        fixture_test(socket_is_its_users_alone_and_gone_after_a_stop),
        fixture_test(socket_of_a_killed_fetcher_is_replaced_by_the_next),
        fixture_test(socket_that_was_removed_or_replaced_comes_back),
        fixture_test(fetcher_goes_on_without_a_socket_and_says_what_to_do),
    };
    return cmocka_run_group_tests_name("integration/admin", tests, NULL, NULL);
}
