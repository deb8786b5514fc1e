/* SPDX-License-Identifier: MIT */
/* [dnsserver] servers: several directories with the same routes. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/admin.h"
#include "tests/support/fixture.h"
#include "tools/bench/private_instance.h"

enum {
    COUNT = 3,
    REQUEST_MS = 200, /* request_timeout_ms where it matters */
    FAR_MS = 30000,   /* all other time-outs: more than a test waits for */
    PORT = 8000,
    TURNS = 400,
};

struct servers {
    struct directory directories[COUNT];
    struct fetcher fetcher;
    larshm *client;
    char list[256];
};

static int setup(void **state)
{
    struct servers *servers = calloc(1, sizeof(*servers));
    assert_non_null(servers);
    for (int i = 0; i < COUNT; i++) {
        directory_open(&servers->directories[i]);
        servers->directories[i].of_several = true;
        sprintf(servers->list + strlen(servers->list), "%s127.0.0.1:%u", i ? ", " : "",
                servers->directories[i].port);
    }
    fetcher_init(&servers->fetcher, 1);
    servers->fetcher.config.servers = servers->list;
    servers->fetcher.config.connect_timeout_ms = FAR_MS;
    servers->fetcher.config.probe_interval_ms = FAR_MS;
    *state = servers;
    return 0;
}

static int teardown(void **state)
{
    struct servers *servers = *state;
    larshm_close(servers->client);
    fetcher_dispose(&servers->fetcher);
    for (int i = 0; i < COUNT; i++)
        directory_close(&servers->directories[i]);
    free(servers);
    return 0;
}

static void start(struct servers *servers)
{
    fetcher_start(&servers->fetcher);
    assert_int_equal(larshm_open(&servers->client, servers->fetcher.instance), LARSHM_OK);
}

static void listen_all(struct servers *servers)
{
    for (int i = 0; i < COUNT; i++)
        directory_listen(&servers->directories[i]);
}

/* The directory that the fetcher connects to next. */
static struct directory *accept_any(struct servers *servers)
{
    for (uint64_t end = clock_tick() + EVENTUALLY_MS; clock_tick() < end;)
        for (int i = 0; i < COUNT; i++)
            if (servers->directories[i].listener >= 0 && directory_accepts(&servers->directories[i], 5))
                return &servers->directories[i];
    fail_msg("no directory is connected to");
    return NULL;
}

/* Of all of them, the one that is connected to next. */
static struct directory *accept_other(struct servers *servers, const struct directory *than)
{
    struct directory *directory = accept_any(servers);
    assert_ptr_not_equal(directory, than);
    return directory;
}

static bool shows(const struct servers *servers, const struct directory *directory)
{
    char shown[DIRECTORY_NAME], expected[64];
    fetcher_directory(&servers->fetcher, shown);
    snprintf(expected, sizeof(expected), "127.0.0.1:%u", directory->port);
    return strcmp(shown, expected) == 0;
}

static void answer(struct directory *directory, uint32_t modid, int port)
{
    const struct wire_host hosts[] = {wire_host(1, port), wire_host(2, port)};
    directory_answer(directory, modid, 1, hosts, 2);
}

static void answer_at(struct directory *directory, uint64_t version, uint32_t count)
{
    struct wire_host hosts[4];
    for (uint32_t i = 0; i < count; i++)
        hosts[i] = wire_host((int)i + 1, PORT);
    directory_answer_at(directory, version, 1, 1, hosts, count);
}

static bool serves(const struct servers *servers, uint32_t modid, int port)
{
    larshm_host hosts[4];
    size_t count;
    return larshm_get_route(servers->client, modid, 1, hosts, 4, &count) == LARSHM_OK && count == 2 &&
           ntohs(hosts[0].port) == port;
}

static bool has_hosts(const struct servers *servers, size_t wanted)
{
    larshm_host hosts[4];
    size_t count = 0;
    int code = larshm_get_route(servers->client, 1, 1, hosts, 4, &count);
    return wanted ? code == LARSHM_OK && count == wanted : code == LARSHM_NOEXIST;
}

/* A lookup of a route that is not cached; the directory gets the request. */
static void demand(struct servers *servers, struct directory *directory, uint32_t modid)
{
    serves(servers, modid, 0);
    directory_expect(directory, modid, 1);
}

static struct directory *start_with_route(struct servers *servers)
{
    listen_all(servers);
    start(servers);
    struct directory *directory = accept_any(servers);
    demand(servers, directory, 1);
    answer(directory, 1, PORT);
    eventually(serves(servers, 1, PORT));
    return directory;
}

static void servers_that_refuse_are_passed_over_and_the_one_in_use_is_shown(void **state)
{
    struct servers *servers = *state;
    for (int i = 0; i < COUNT; i++) {
        directory_listen(&servers->directories[i]);
        if (i == 0)
            start(servers);
        struct directory *directory = accept_any(servers);
        assert_ptr_equal(directory, &servers->directories[i]);
        demand(servers, directory, 10 + (uint32_t)i);
        assert_true(shows(servers, directory));
        directory_refuse(directory);
    }
}

static void g9_lost_server_is_replaced_and_its_routes_are_requested_from_the_next(void **state)
{
    struct servers *servers = *state;
    struct directory *first = start_with_route(servers);
    uint64_t generation = fetcher_generation(&servers->fetcher);
    directory_refuse(first);
    struct directory *second = accept_other(servers, first);
    directory_expect(second, 1, 1);
    assert_true(serves(servers, 1, PORT));
    const struct wire_host more[] = {wire_host(1, PORT), wire_host(2, PORT), wire_host(3, PORT)};
    directory_answer(second, 1, 1, more, 3);
    eventually(has_hosts(servers, 3));
    assert_true(shows(servers, second));
    assert_int_equal(fetcher_generation(&servers->fetcher), generation);
    char logged[64];
    snprintf(logged, sizeof(logged), "trying 127.0.0.1:%u in", second->port);
    assert_int_equal(process_said(&servers->fetcher.process, logged), 1);
}

static void silent_server_is_left_within_the_time_out_of_a_request(void **state)
{
    struct servers *servers = *state;
    servers->fetcher.config.request_timeout_ms = REQUEST_MS;
    struct directory *first = start_with_route(servers);
    demand(servers, first, 2);
    struct directory *second = accept_other(servers, first); /* in far less than FAR_MS */
    assert_true(process_said(&servers->fetcher.process, "no response") > 0);
    directory_expect(second, 1, 1);
}

static void server_that_does_not_take_connections_is_left_within_the_time_out_of_a_request(void **state)
{
    struct servers *servers = *state;
    servers->fetcher.config.request_timeout_ms = REQUEST_MS;
    listen_all(servers);
    for (int i = 1; i < COUNT; i++)
        directory_clog(&servers->directories[i]);
    start(servers);
    directory_accept(&servers->directories[0]); /* in far less than FAR_MS */
    demand(servers, &servers->directories[0], 1);
    for (int i = 1; i < COUNT; i++)
        directory_unclog(&servers->directories[i]);
}

/* Whichever of the others is in use answers so; returns the one that was when the route has so many hosts. */
static struct directory *answer_others_until(struct servers *servers, const struct directory *gone,
                                             uint64_t version, uint32_t count)
{
    struct directory *in_use = NULL;
    for (uint64_t end = clock_tick() + EVENTUALLY_MS; clock_tick() < end && !has_hosts(servers, count);)
        for (struct directory *at = servers->directories; at < servers->directories + COUNT; at++) {
            struct route_key key;
            if (at == gone || (!directory_accepts(at, 5) && at->fd < 0))
                continue;
            while (directory_takes(at, 5, &key)) {
                answer_at(at, version, count);
                in_use = at;
            }
        }
    assert_true(has_hosts(servers, count));
    return in_use;
}

static bool is_shown_as_connected(const struct servers *servers)
{
    larshm_route_info info = {0};
    larshm_info(servers->client, 1, 1, &info);
    return info.connected;
}

static void servers_that_take_connections_and_never_answer_do_not_count_as_connected(void **state)
{
    struct servers *servers = *state;
    servers->fetcher.config.request_timeout_ms = REQUEST_MS;
    listen_all(servers);
    start(servers);
    assert_false(serves(servers, 1, PORT));
    eventually(fetcher_counter(&servers->fetcher, COUNTER_unanswered) == 1);
    assert_false(is_shown_as_connected(servers));
    answer_others_until(servers, NULL, 100, 2);
    eventually(is_shown_as_connected(servers));
    assert_int_equal(fetcher_counter(&servers->fetcher, COUNTER_unanswered), 0);
}

static void peer_that_is_no_directory_is_named_in_the_log(void **state)
{
    static const char greeting[90] = "\x4a\0\0\0\x0a" /* a database server's */
                                     "5.5.5-10.11.6-MariaDB";
    struct servers *servers = *state;
    listen_all(servers);
    start(servers);
    directory_send(accept_any(servers), greeting, sizeof(greeting));
    eventually(process_said(&servers->fetcher.process, "that is no directory: is the address right?") == 1);
}

/* After a change a fetcher has patience: where all are slow, it does not hurry from one to the next. */
static void next_server_is_given_time_to_answer(void **state)
{
    struct servers *servers = *state;
    servers->fetcher.config.request_timeout_ms = REQUEST_MS;
    struct directory *first = start_with_route(servers);
    directory_refuse(first);
    struct directory *second = accept_other(servers, first);
    directory_expect(second, 1, 1);
    answer(second, 1, PORT);
    demand(servers, second, 2);
    throughout(3 * REQUEST_MS, process_said(&servers->fetcher.process, "no response") == 0);
    answer(second, 2, PORT);
    eventually(serves(servers, 2, PORT));
}

static void fetcher_returns_to_its_own_server_once_nothing_is_waited_for(void **state)
{
    struct servers *servers = *state;
    servers->fetcher.config.more = "[fetcher]\nreturn_after = 1\n";
    struct directory *first = start_with_route(servers);
    directory_refuse(first);
    struct directory *second = accept_other(servers, first);
    directory_expect(second, 1, 1);
    directory_listen(first);
    throughout(2000, process_said(&servers->fetcher.process, "going back") == 0); /* as 1/1 is waited for */
    answer(second, 1, PORT);
    directory_accept(first);
    assert_int_equal(process_said(&servers->fetcher.process, "going back"), 1);
    directory_expect(first, 1, 1);
    assert_true(shows(servers, first));
    assert_true(serves(servers, 1, PORT));
}

static void reload_goes_to_another_server_only_where_the_one_in_use_is_gone(void **state)
{
    struct servers *servers = *state;
    char list[64];
    struct directory *first = start_with_route(servers);
    snprintf(list, sizeof(list), "127.0.0.1:%u", first->port);
    servers->fetcher.config.servers = list;
    fetcher_configure(&servers->fetcher);
    process_signal(&servers->fetcher.process, SIGHUP);
    eventually(process_said(&servers->fetcher.process, "reloaded") == 1);
    demand(servers, first, 2);
    answer(first, 2, PORT);

    struct directory *other = first == servers->directories ? first + 1 : servers->directories;
    snprintf(list, sizeof(list), "127.0.0.1:%u", other->port);
    fetcher_configure(&servers->fetcher);
    process_signal(&servers->fetcher.process, SIGHUP);
    directory_accept(other);
    directory_expect(other, 1, 1);
    assert_true(shows(servers, other));
}

/* Route 1/1 has three hosts at version 100. */
static struct directory *start_at_version(struct servers *servers, const char *behind_hold)
{
    servers->fetcher.config.more = behind_hold;
    listen_all(servers);
    start(servers);
    struct directory *directory = accept_any(servers);
    demand(servers, directory, 1);
    answer_at(directory, 100, 3);
    eventually(has_hosts(servers, 3));
    return directory;
}

static json_int_t sum(const json_t *list, const char *name)
{
    json_int_t all = 0;
    size_t i;
    const json_t *server;
    json_array_foreach(list, i, server)
        all += json_integer_value(json_object_get(server, name));
    return all;
}

/* To be released. */
static json_t *list_servers(const struct servers *servers)
{
    int fd = admin_connect(&servers->fetcher);
    assert_true(admin_send(fd, "{\"version\":1,\"command\":\"servers\"}\n"));
    json_t *answered = admin_receive(fd);
    close(fd);
    return answered;
}

static bool is_behind(const struct servers *servers)
{
    return fetcher_counter(&servers->fetcher, COUNTER_behind) == 1;
}

/* The newest one is gone; each of the others answers so, whenever it is connected to, and the hosts stay for so long. */
static void answer_behind(struct servers *servers, const struct directory *gone, int ms)
{
    for (uint64_t end = clock_tick() + (uint64_t)ms; clock_tick() < end;)
        for (int i = 0, others = 0; i < COUNT; i++) {
            struct directory *directory = &servers->directories[i];
            if (directory == gone)
                continue;
            struct route_key key;
            const uint64_t version = others++ ? 0 : 90;
            if (directory_accepts(directory, 5) || directory->fd >= 0)
                while (directory_takes(directory, 5, &key))
                    answer_at(directory, version, version ? 1 : 0);
            assert_true(has_hosts(servers, 3));
        }
}

static void g9_directories_that_are_behind_take_nothing_away(void **state)
{
    struct servers *servers = *state;
    struct directory *newest = start_at_version(servers, "[fetcher]\nbehind_hold = 3600\n");
    directory_refuse(newest);
    answer_behind(servers, newest, 3000);
    assert_true(is_behind(servers));
    assert_int_equal(process_said(&servers->fetcher.process, "holding: the directory is behind"), 1);
    for (int i = 0; i < COUNT; i++)
        directory_refuse(&servers->directories[i]);
    directory_listen(newest);
    directory_accept(newest);
    directory_expect(newest, 1, 1);
    answer_at(newest, 100, 3);
    eventually(!is_behind(servers));
    assert_int_equal(process_said(&servers->fetcher.process, "has caught up"), 1);
    assert_true(has_hosts(servers, 3));
}

static void newest_of_directories_that_are_all_behind_counts_in_the_end(void **state)
{
    struct servers *servers = *state;
    struct directory *newest = start_at_version(servers, "[fetcher]\nbehind_hold = 3600\n");
    struct directory *older = newest == servers->directories ? newest + 1 : servers->directories;
    directory_refuse(newest);
    answer_behind(servers, newest, 2000);
    servers->fetcher.config.more = "[fetcher]\nbehind_hold = 1\n";
    fetcher_configure(&servers->fetcher);
    process_signal(&servers->fetcher.process, SIGHUP);
    for (uint64_t end = clock_tick() + EVENTUALLY_MS; clock_tick() < end && !has_hosts(servers, 1);) {
        struct route_key key;
        for (struct directory *at = servers->directories; at < servers->directories + COUNT; at++)
            if (at != newest && (directory_accepts(at, 5) || at->fd >= 0))
                while (directory_takes(at, 5, &key))
                    answer_at(at, at == older ? 90 : 0, at == older ? 1 : 0);
        assert_false(has_hosts(servers, 0));
    }
    assert_true(has_hosts(servers, 1));
    assert_false(is_behind(servers));
    assert_true(shows(servers, older));
}

static void version_that_no_other_directory_can_reach_counts_no_more_after_behind_hold(void **state)
{
    struct servers *servers = *state;
    struct directory *broken = start_at_version(servers, "[fetcher]\nbehind_hold = 2\n");
    answer_at(broken, UINT64_MAX, 4);
    eventually(has_hosts(servers, 4));
    directory_refuse(broken);
    struct directory *in_use = answer_others_until(servers, broken, 100, 2);
    assert_false(is_behind(servers));
    assert_non_null(in_use);
    answer_at(in_use, 101, 1); /* as a push */
    eventually(has_hosts(servers, 1));
    assert_false(is_behind(servers));
}

/* Some answers of the same directory are newer than others, by a fault of its own. They come at one time, or the fetcher leaves it
 * for another one. */
static void directory_whose_version_goes_to_and_fro_does_not_flood_the_log(void **state)
{
    struct servers *servers = *state;
    struct directory *broken = start_at_version(servers, "[fetcher]\nbehind_hold = 3600\n");
    process_signal(&servers->fetcher.process, SIGSTOP);
    for (int i = 0; i < TURNS; i++)
        answer_at(broken, i % 2 ? UINT64_MAX : 99, 3);
    answer_at(broken, UINT64_MAX, 4);
    process_signal(&servers->fetcher.process, SIGCONT);
    eventually(has_hosts(servers, 4));
    assert_in_range(process_said(&servers->fetcher.process, "holding: the directory is behind"), 1,
                    TURNS / 10);
    assert_in_range(process_said(&servers->fetcher.process, "has caught up"), 1, TURNS / 10);
    json_t *answered = list_servers(servers);
    assert_true(sum(json_object_get(answered, "servers"), "version") > 0);
    json_decref(answered);
}

static void operator_accepts_a_directory_that_is_behind(void **state)
{
    struct servers *servers = *state;
    struct directory *newest = start_at_version(servers, "[fetcher]\nbehind_hold = 3600\n");
    answer_at(newest, 90, 1); /* as of a backup that was restored, which comes as a push */
    eventually(is_behind(servers));
    assert_true(has_hosts(servers, 3));
    assert_string_equal(admin_command(&servers->fetcher, "{\"version\":1,\"command\":\"accept_all\"}"), "ok");
    eventually(has_hosts(servers, 1));
    assert_false(is_behind(servers));
}

static void g9_version_that_was_seen_is_kept_over_restarts_of_the_fetcher(void **state)
{
    struct servers *servers = *state;
    struct directory *newest = start_at_version(servers, "[fetcher]\nbehind_hold = 3600\n");
    process_kill(&servers->fetcher.process);
    directory_refuse(newest);
    fetcher_launch(&servers->fetcher);
    struct directory *older = accept_other(servers, newest);
    directory_expect(older, 1, 1);
    answer_at(older, 99, 2);
    eventually(is_behind(servers));
    assert_true(has_hosts(servers, 3));
}

static void g9_version_that_was_seen_outlives_a_reboot(void **state)
{
    struct servers *servers = *state;
    servers->fetcher.config.snapshot = servers->fetcher.snapshot_path;
    struct directory *newest = start_at_version(servers, "[fetcher]\nbehind_hold = 3600\n");
    fetcher_stop(&servers->fetcher);
    larshm_close(servers->client);
    private_instance_remove(&servers->fetcher.names);
    directory_refuse(newest);
    start(servers);
    assert_true(has_hosts(servers, 3));
    struct directory *older = accept_other(servers, newest);
    directory_expect(older, 1, 1);
    answer_at(older, 99, 0);
    eventually(is_behind(servers));
    assert_true(has_hosts(servers, 3));
}

/* With one server there is no other to go to. */
static void one_directory_that_is_set_back_is_believed_after_behind_hold(void **state)
{
    struct servers *servers = *state;
    char list[64];
    snprintf(list, sizeof(list), "127.0.0.1:%u", servers->directories[0].port);
    servers->fetcher.config.servers = list;
    servers->fetcher.config.empty_hold = 1;
    struct directory *only = start_at_version(servers, "[fetcher]\nbehind_hold = 1\n");
    uint64_t began = clock_tick();
    answer_at(only, 90, 0);
    eventually(process_said(&servers->fetcher.process, "holding: the directory is behind") == 1);
    directory_expect(only, 1, 1); /* again, as every route */
    assert_true(clock_tick() - began >= 1000);
    assert_true(has_hosts(servers, 3));
    answer_at(only, 90, 0);
    eventually(has_hosts(servers, 0));
    assert_int_equal(fetcher_counter(&servers->fetcher, COUNTER_disconnects), 0);
}

/* Directories of Lars tell no version, and read their database each 10 s. */
static void g9_removal_by_another_directory_without_versions_counts_once_it_is_confirmed(void **state)
{
    struct servers *servers = *state;
    const struct wire_host one[] = {wire_host(1, PORT)};
    struct directory *first = start_with_route(servers);
    directory_refuse(first);
    uint64_t began = clock_tick();
    struct directory *second = accept_other(servers, first);
    directory_expect(second, 1, 1);
    directory_answer(second, 1, 1, one, 1);
    directory_expect(second, 1, 1); /* again, to have it confirmed */
    assert_true(clock_tick() - began >= 11000);
    assert_true(has_hosts(servers, 2));
    directory_answer(second, 1, 1, one, 1);
    eventually(has_hosts(servers, 1));
    directory_answer(second, 1, 1, (const struct wire_host[]){wire_host(9, PORT)}, 1);
    eventually(!fetcher_shows_held(&servers->fetcher, route_key(1, 1)));
}

/* The fetcher before it may have used another directory. `reboot`: routes are from the snapshot. */
static void restart_and_expect_removals_held(struct servers *servers, bool reboot)
{
    servers->fetcher.config.snapshot = servers->fetcher.snapshot_path;
    struct directory *first = start_with_route(servers);
    fetcher_stop(&servers->fetcher);
    larshm_close(servers->client);
    if (reboot)
        private_instance_remove(&servers->fetcher.names);
    start(servers);
    directory_accept(first);
    directory_expect(first, 1, 1);
    directory_answer(first, 1, 1, (const struct wire_host[]){wire_host(1, PORT)}, 1);
    eventually(fetcher_shows_held(&servers->fetcher, route_key(1, 1)));
    assert_true(has_hosts(servers, 2));
    demand(servers, first, 2);
    answer(first, 2, PORT);
    eventually(serves(servers, 2, PORT));
    assert_true(has_hosts(servers, 2));
    answer(first, 1, PORT);
    eventually(!fetcher_shows_held(&servers->fetcher, route_key(1, 1)));
}

static void g9_removal_by_the_first_directory_after_a_restart_is_to_be_confirmed(void **state)
{
    restart_and_expect_removals_held(*state, false);
}

static void g9_removal_by_the_first_directory_after_a_reboot_is_to_be_confirmed(void **state)
{
    restart_and_expect_removals_held(*state, true);
}

static void removal_that_is_not_confirmed_is_none(void **state)
{
    struct servers *servers = *state;
    struct directory *first = start_with_route(servers);
    directory_refuse(first);
    struct directory *second = accept_other(servers, first);
    directory_expect(second, 1, 1);
    directory_deny(second, 1, 1);
    eventually(fetcher_shows_held(&servers->fetcher, route_key(1, 1)));
    assert_true(serves(servers, 1, PORT));
    answer(second, 1, PORT);
    eventually(!fetcher_shows_held(&servers->fetcher, route_key(1, 1)));
    assert_true(serves(servers, 1, PORT));
}

/* As Lars' own directory does, with a row that a trigger keeps. */
static void g9_version_row_of_a_directory_of_lars_tells_that_it_is_behind(void **state)
{
    struct servers *servers = *state;
    servers->fetcher.config.more = "[fetcher]\nbehind_hold = 3600\n";
    for (int i = 0; i < COUNT; i++)
        servers->directories[i].version = 100;
    struct directory *newest = start_with_route(servers);
    for (int i = 0; i < COUNT; i++)
        servers->directories[i].version = 99;
    directory_refuse(newest);
    struct directory *older = accept_other(servers, newest);
    directory_takes(older, 200, &(struct route_key){0});
    directory_deny(older, 1, 1);
    eventually(is_behind(servers));
    assert_true(serves(servers, 1, PORT));
    newest->version = 101;
    directory_listen(newest);
    for (uint64_t end = clock_tick() + EVENTUALLY_MS; clock_tick() < end && is_behind(servers);)
        for (int i = 0; i < COUNT; i++)
            if (directory_accepts(&servers->directories[i], 5))
                directory_takes(&servers->directories[i], 100, &(struct route_key){0});
    assert_false(is_behind(servers));
    assert_true(serves(servers, 1, PORT));
}

/* While another one is in use, and is well. */
static void name_of_a_server_that_leads_nowhere_is_said_at_the_start(void **state)
{
    static const char name[] = "nonexistent.invalid";
    struct servers *servers = *state;
    strcat(servers->list, ", nonexistent.invalid");
    start_with_route(servers);
    eventually(process_said(&servers->fetcher.process, "nonexistent.invalid:7778: ") > 0);
    json_t *answered = list_servers(servers), *server;
    size_t i;
    bool found = false;
    json_array_foreach(json_object_get(answered, "servers"), i, server)
        if (strstr(json_string_value(json_object_get(server, "address")), name))
            found = *json_string_value(json_object_get(server, "last_error"));
    assert_true(found);
    json_decref(answered);
}

static void operators_see_what_became_of_each_server(void **state)
{
    struct servers *servers = *state;
    struct directory *first = start_with_route(servers);
    directory_refuse(first);
    struct directory *second = accept_other(servers, first);
    directory_expect(second, 1, 1);
    json_t *answered = list_servers(servers);
    const json_t *list = json_object_get(answered, "servers"), *own = json_array_get(list, 0),
                 *next = json_array_get(list, 1);
    assert_int_equal(json_array_size(list), COUNT);
    assert_true(json_is_false(json_object_get(own, "in_use")));
    assert_true(json_is_true(json_object_get(next, "in_use")));
    assert_true(json_is_null(json_object_get(own, "version")));
    assert_string_not_equal(json_string_value(json_object_get(own, "last_error")), "");
    assert_string_equal(json_string_value(json_object_get(next, "last_error")), "");
    assert_int_equal(sum(list, "connects"), 2);
    assert_int_equal(sum(list, "failures"), 1);
    assert_int_equal(sum(list, "answers"), 3); /* to two requests for the version row, and one for 1/1 */
    json_decref(answered);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(servers_that_refuse_are_passed_over_and_the_one_in_use_is_shown),
        TEST(g9_lost_server_is_replaced_and_its_routes_are_requested_from_the_next),
        TEST(silent_server_is_left_within_the_time_out_of_a_request),
        TEST(servers_that_take_connections_and_never_answer_do_not_count_as_connected),
        TEST(peer_that_is_no_directory_is_named_in_the_log),
        TEST(server_that_does_not_take_connections_is_left_within_the_time_out_of_a_request),
        TEST(next_server_is_given_time_to_answer),
        TEST(fetcher_returns_to_its_own_server_once_nothing_is_waited_for),
        TEST(reload_goes_to_another_server_only_where_the_one_in_use_is_gone),
        TEST(g9_directories_that_are_behind_take_nothing_away),
        TEST(newest_of_directories_that_are_all_behind_counts_in_the_end),
        TEST(version_that_no_other_directory_can_reach_counts_no_more_after_behind_hold),
        TEST(directory_whose_version_goes_to_and_fro_does_not_flood_the_log),
        TEST(operator_accepts_a_directory_that_is_behind),
        TEST(g9_version_that_was_seen_is_kept_over_restarts_of_the_fetcher),
        TEST(g9_version_that_was_seen_outlives_a_reboot),
        TEST(one_directory_that_is_set_back_is_believed_after_behind_hold),
        TEST(g9_removal_by_another_directory_without_versions_counts_once_it_is_confirmed),
        TEST(g9_version_row_of_a_directory_of_lars_tells_that_it_is_behind),
        TEST(g9_removal_by_the_first_directory_after_a_restart_is_to_be_confirmed),
        TEST(g9_removal_by_the_first_directory_after_a_reboot_is_to_be_confirmed),
        TEST(removal_that_is_not_confirmed_is_none),
        TEST(name_of_a_server_that_leads_nowhere_is_said_at_the_start),
        TEST(operators_see_what_became_of_each_server),
    };
    return cmocka_run_group_tests_name("integration/servers", tests, NULL, NULL);
}
