/* SPDX-License-Identifier: MIT */
/* The fetcher as a daemon: start, stop, reload, and what is left of it when it is gone. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "shm/clock.h"
#include "tests/support/fixture.h"

static bool object_exists(const char *name)
{
    int fd = shm_open(name, O_RDONLY, 0);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static int check_config(struct fixture *fixture, const char *path)
{
    struct process check = {0};
    char option[] = "--check-config", copy[128];
    snprintf(copy, sizeof(copy), "%s", path);
    char *const argv[] = {LARSHM_FETCHER, option, copy, NULL};
    process_start(&check, fixture->fetcher.log_path, argv);
    return process_wait(&check);
}

static void check_config_accepts_a_good_file_and_refuses_a_bad_one(void **state)
{
    struct fixture *fixture = *state;
    snprintf(fixture->fetcher.process.log, sizeof(fixture->fetcher.process.log), "%s",
             fixture->fetcher.log_path);
    fetcher_configure(&fixture->fetcher);
    assert_int_equal(check_config(fixture, fixture->fetcher.config_path), 0);
    assert_int_equal(process_said(&fixture->fetcher.process, "ok\n"), 1);
    fetcher_configure_text(&fixture->fetcher, "[fetcher]\npoll_intervall_ms = 5\n");
    assert_int_equal(check_config(fixture, fixture->fetcher.config_path), 1);
    assert_int_equal(process_said(&fixture->fetcher.process, "conf:2: "), 1);
    assert_int_equal(process_said(&fixture->fetcher.process, "poll_interval_ms"), 1);
    assert_int_equal(check_config(fixture, fixture->fetcher.home), 1);
    assert_int_equal(check_config(fixture, "/nonexistent/larshm.conf"), 1);
    assert_int_equal(process_said(&fixture->fetcher.process, "/nonexistent/larshm.conf"), 1);
}

static const char *const bad_configurations[] = {
    "no section\n",
    "[dnsserver]\nport = 65536\n",
    "[dnsserver]\nport = -1\n",
    "[dnsserver]\nport =\n",
    "[dnsserver]\nport = 7778\nport = 7779\n",
    "[fetcher]\nreconnect_min_ms = 300\nreconnect_max_ms = 200\n",
    "[fetcher]\nrequests_per_second = 10\nresubscribe_per_second = 11\n",
    "[shm]\nmax_bytes = 18446744073709551616\n",
    "[loadbalance]\nupdate_timeout = 15x\n",
    "[fetchers]\n",
    "\xef\xbb\xbf[unheard]\nof = 1\n",
};

static void bad_configuration_keeps_the_fetcher_from_starting_and_touches_no_object(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof(bad_configurations) / sizeof(*bad_configurations); i++) {
        fetcher_configure_text(&fixture->fetcher, bad_configurations[i]);
        fetcher_launch(&fixture->fetcher);
        assert_int_equal(process_wait(&fixture->fetcher.process), EX_CONFIG);
        assert_int_equal(process_said(&fixture->fetcher.process, fixture->fetcher.config_path), i + 1);
    }
    assert_false(object_exists(fixture->fetcher.names.routes));
    assert_false(object_exists(fixture->fetcher.names.control));
    assert_false(object_exists(fixture->fetcher.names.lock));
}

static void bad_configuration_leaves_the_routes_of_a_stopped_fetcher_alone(void **state)
{
    struct fixture *fixture = *state;
    fixture_connect_with_good_route(fixture);
    fetcher_stop(&fixture->fetcher);
    uint64_t generation = fetcher_generation(&fixture->fetcher);
    fetcher_configure_text(&fixture->fetcher, "[shm]\nmax_bytes = none\n");
    fetcher_launch(&fixture->fetcher);
    assert_int_equal(process_wait(&fixture->fetcher.process), EX_CONFIG);
    assert_int_equal(fetcher_generation(&fixture->fetcher), generation);
    assert_true(fixture_serves_good_route(fixture));
}

static void expect_refused(struct fixture *fixture)
{
    struct fetcher second = fixture->fetcher;
    char holder[64];
    snprintf(holder, sizeof(holder), "already running (pid %ld)", (long)fixture->fetcher.process.pid);
    unsigned before = process_said(&fixture->fetcher.process, holder);
    fetcher_launch(&second);
    assert_int_equal(process_wait(&second.process), 1);
    assert_int_equal(process_said(&fixture->fetcher.process, holder), before + 1);
}

static void second_fetcher_is_refused_and_names_the_first(void **state)
{
    struct fixture *fixture = *state;
    fixture_connect_with_good_route(fixture);
    uint64_t generation = fetcher_generation(&fixture->fetcher);
    expect_refused(fixture);
    assert_int_equal(fetcher_generation(&fixture->fetcher), generation);
    assert_true(process_alive(&fixture->fetcher.process));
    fixture_learn(fixture, 1, 2, 3, 80);
}

static void routes_are_served_on_after_a_stop_and_clients_see_it(void **state)
{
    struct fixture *fixture = *state;
    fixture_connect_with_good_route(fixture);
    assert_true(fixture_info(fixture, 7, 7).fetcher_alive);
    fetcher_stop(&fixture->fetcher);
    directory_expect_end(&fixture->directory);
    assert_true(fixture_serves_good_route(fixture));
    assert_false(fixture_info(fixture, 7, 7).fetcher_alive);
    assert_false(fixture_info(fixture, 7, 7).connected);
    assert_int_equal(fixture_lookup(fixture, 1, 2), LARSHM_PENDING);
}

static void fetcher_stops_cleanly_in_each_state_of_its_connection(void **state)
{
    struct fixture *fixture = *state;
    fixture->fetcher.config.reconnect_min_ms = fixture->fetcher.config.reconnect_max_ms = 60000;
    fixture_start(fixture);
    eventually(fetcher_counter(&fixture->fetcher, COUNTER_connect_failures) == 1);
    fetcher_stop(&fixture->fetcher);

    directory_listen(&fixture->directory);
    directory_clog(&fixture->directory);
    fetcher_start(&fixture->fetcher);
    process_signal(&fixture->fetcher.process, SIGINT);
    assert_int_equal(process_wait(&fixture->fetcher.process), 0);
    directory_unclog(&fixture->directory);

    fixture->fetcher.config.host = "nonexistent.invalid";
    fetcher_start(&fixture->fetcher);
    fetcher_stop(&fixture->fetcher);
}

static void killed_fetcher_leaves_all_routes_to_the_next_one(void **state)
{
    struct fixture *fixture = *state;
    const struct wire_host other = wire_host(1, 81);
    fixture->fetcher.config.update_timeout = 1;
    fixture_connect_with_good_route(fixture);
    fixture_learn(fixture, 1, 2, 3, 80);
    fixture_lookup_until_asked(fixture, 7, 7);
    assert_true(fixture_info(fixture, 7, 7).pulling);
    process_kill(&fixture->fetcher.process);
    directory_refuse(&fixture->directory);
    assert_true(fixture_serves_good_route(fixture));

    fixture_start(fixture);
    assert_true(process_said(&fixture->fetcher.process, "adopted 2 routes") == 1);
    assert_true(fixture_serves_good_route(fixture));
    assert_true(fixture_serves(fixture, 1, 2, 3, 80));
    /* The request died with the one who sent it. */
    assert_false(fixture_info(fixture, 7, 7).pulling);
    assert_int_equal(fetcher_counter(&fixture->fetcher, COUNTER_routes), 2);

    directory_listen(&fixture->directory);
    directory_accept(&fixture->directory);
    for (int i = 0; i < 2; i++) {
        struct route_key key;
        assert_true(directory_takes(&fixture->directory, EVENTUALLY_MS, &key));
        directory_answer_at(&fixture->directory, 1, key.modid, key.cmdid, &other, 1);
    }
    eventually(fixture_serves(fixture, 7, 7, 1, 81) && fixture_serves(fixture, 1, 2, 1, 81));
}

static uint64_t listed_lookups(const struct fixture *fixture, struct route_key key)
{
    struct route_use uses[TOP_ROUTES];
    size_t count = fetcher_top_routes(&fixture->fetcher, uses);
    for (size_t i = 0; i < count; i++)
        if (route_key_equal(uses[i].key, key))
            return uses[i].lookups;
    return 0;
}

static void most_used_routes_are_listed_and_go_on_growing_after_a_kill(void **state)
{
    struct fixture *fixture = *state;
    struct route_use uses[TOP_ROUTES];
    fixture_connect(fixture);
    fixture_learn(fixture, 1, 2, 3, 80);
    fixture_learn(fixture, 1, 3, 3, 80);
    for (int i = 0; i < 1000000; i++)
        assert_int_equal(fixture_lookup(fixture, 1, i % 10 < 8 ? 2 : 3), LARSHM_OK);
    eventually(listed_lookups(fixture, route_key(1, 2)) > 700000);
    uint64_t often = listed_lookups(fixture, route_key(1, 2)),
             seldom = listed_lookups(fixture, route_key(1, 3));
    assert_in_range(often, 700000, 900000);
    assert_in_range(seldom, 100000, 300000);
    assert_int_equal(fetcher_top_routes(&fixture->fetcher, uses), 2);
    assert_true(route_key_equal(uses[0].key, route_key(1, 2)));

    process_kill(&fixture->fetcher.process);
    fetcher_start(&fixture->fetcher);
    assert_true(listed_lookups(fixture, route_key(1, 2)) >= often);
    for (int i = 0; i < 1000000; i++)
        assert_int_equal(fixture_lookup(fixture, 1, 3), LARSHM_OK);
    eventually(listed_lookups(fixture, route_key(1, 3)) > seldom + 900000);
    assert_true(listed_lookups(fixture, route_key(1, 2)) >= often);
}

/* One that has just adopted the routes; its loop does not run yet. */
static void signal_that_comes_while_a_fetcher_starts_ends_it_cleanly(void **state)
{
    struct fixture *fixture = *state;
    fixture_connect_with_good_route(fixture);
    fetcher_stop(&fixture->fetcher);
    for (int i = 0; i < 3; i++) {
        uint64_t generation = fetcher_generation(&fixture->fetcher), end = clock_tick() + EVENTUALLY_MS;
        fetcher_launch(&fixture->fetcher);
        while (fetcher_generation(&fixture->fetcher) == generation && clock_tick() < end)
            continue;
        fetcher_stop(&fixture->fetcher);
    }
}

static void reload(struct fixture *fixture)
{
    unsigned before = process_said(&fixture->fetcher.process, "reloaded ");
    fetcher_configure(&fixture->fetcher);
    process_signal(&fixture->fetcher.process, SIGHUP);
    eventually(process_said(&fixture->fetcher.process, "reloaded ") == before + 1);
}

static void reload_changes_what_can_change_in_a_running_fetcher(void **state)
{
    struct fixture *fixture = *state;
    fixture_connect_with_good_route(fixture);
    assert_int_equal(fixture_info(fixture, 7, 7).update_timeout_s, 3600);
    fixture->fetcher.config.update_timeout = 1;
    reload(fixture);
    assert_int_equal(process_said(&fixture->fetcher.process, "need a restart"), 0);

    /* The next answer lives by it, whether it brings other hosts or the same. */
    fixture_learn(fixture, 1, 2, 3, 80);
    assert_int_equal(fixture_info(fixture, 1, 2).update_timeout_s, 1);
    fixture_answer(fixture, 7, 7, 4, 7000);
    eventually(fixture_info(fixture, 7, 7).update_timeout_s == 1);
    fixture_lookup_until_asked(fixture, 7, 7);
}

static void reload_names_the_keys_that_need_a_restart(void **state)
{
    struct fixture *fixture = *state;
    fixture_connect_with_good_route(fixture);
    fixture->fetcher.config.max_bytes = "32M";
    fixture->fetcher.config.grace_ms = 300;
    reload(fixture);
    eventually(process_said(&fixture->fetcher.process,
                            "these keys need a restart: shm.max_bytes, shm.grace_ms") == 1);
}

static void reload_of_a_bad_file_changes_nothing_and_says_so(void **state)
{
    struct fixture *fixture = *state;
    fixture_connect_with_good_route(fixture);
    fetcher_configure_text(&fixture->fetcher, "[loadbalance]\nupdate_timeout = 1\nno_such_key = 1\n");
    process_signal(&fixture->fetcher.process, SIGHUP);
    eventually(process_said(&fixture->fetcher.process, "the configuration is unchanged") == 1);
    assert_int_equal(process_said(&fixture->fetcher.process, "conf:3: "), 1);
    fixture_learn(fixture, 1, 2, 3, 80);
    assert_int_equal(fixture_info(fixture, 1, 2).update_timeout_s, 3600);
    assert_true(fixture_serves_good_route(fixture));
}

static void reload_moves_to_another_directory(void **state)
{
    struct fixture *fixture = *state;
    struct directory old = fixture->directory;
    directory_open(&fixture->directory);
    directory_listen(&fixture->directory);
    fixture->fetcher.config.port = old.port;
    directory_listen(&old);
    fixture_start(fixture);
    directory_accept(&old);

    fixture->fetcher.config.port = fixture->directory.port;
    reload(fixture);
    directory_expect_end(&old);
    directory_close(&old);
    directory_accept(&fixture->directory);
    fixture_learn(fixture, 1, 2, 3, 80);
}

static void reload_to_another_directory_does_not_wait_for_the_backoff(void **state)
{
    struct fixture *fixture = *state;
    unsigned good = fixture->directory.port;
    fixture->fetcher.config.port = 9; /* nothing listens there */
    fixture->fetcher.config.reconnect_min_ms = fixture->fetcher.config.reconnect_max_ms = 60000;
    directory_listen(&fixture->directory);
    fixture_start(fixture);
    eventually(process_said(&fixture->fetcher.process, "trying again in") > 0);
    fixture->fetcher.config.port = good;
    reload(fixture);
    directory_accept(&fixture->directory);
    fixture_learn(fixture, 1, 2, 3, 80);
}

/* The next datagram that the fetcher sends to its service manager. */
static void receive_notice(int fd, char *out, size_t size)
{
    ssize_t length = -1;
    eventually((length = recv(fd, out, size - 1, MSG_DONTWAIT)) > 0);
    out[length] = '\0';
}

static void service_manager_is_notified_of_start_connection_and_stop(void **state)
{
    struct fixture *fixture = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char notice[512];
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", fixture->fetcher.home);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
    fixture_connect_with_good_route(fixture);
    unsetenv("NOTIFY_SOCKET");

    receive_notice(fd, notice, sizeof(notice));
    assert_non_null(strstr(notice, "READY=1\n"));
    assert_non_null(strstr(notice, "STATUS="));
    while (!strstr(notice, "STATUS=connected to 127.0.0.1:"))
        receive_notice(fd, notice, sizeof(notice));
    assert_non_null(strstr(notice, ", 1 route"));
    fetcher_stop(&fixture->fetcher);
    while (!strstr(notice, "STOPPING=1"))
        receive_notice(fd, notice, sizeof(notice));
    close(fd);
    unlink(address.sun_path);
}

static void removed_objects_are_recreated_and_clients_follow(void **state)
{
    struct fixture *fixture = *state;
    const struct object_names *names = &fixture->fetcher.names;
    const char *const removed[] = {names->routes, names->control, names->lock};
    fixture_connect_with_good_route(fixture);
    for (uint32_t i = 0; i < 3; i++) {
        uint64_t generation = fetcher_generation(&fixture->fetcher);
        assert_int_equal(shm_unlink(removed[i]), 0);
        assert_true(fixture_serves_good_route(fixture));
        eventually(object_exists(removed[i]));
        if (removed[i] == names->routes) /* control alone is replaced alone */
            eventually(fetcher_generation(&fixture->fetcher) > generation);
        fixture_learn(fixture, 1, i, 3, 80);
        assert_true(fixture_serves_good_route(fixture));
    }
    eventually(process_said(&fixture->fetcher.process, "had been removed") > 0);
    expect_refused(fixture);
}

/* An expired negative entry is left behind by a new generation, and comes back when it is looked up. */
static void route_that_came_back_in_a_new_generation_is_asked_for_once_after_a_reconnect(void **state)
{
    struct fixture *fixture = *state;
    fixture->fetcher.config.update_timeout = 1;
    fixture->fetcher.config.resubscribe_per_second = 50;
    fixture_connect_with_good_route(fixture);
    assert_int_equal(fixture_lookup(fixture, 1, 2), LARSHM_PENDING);
    directory_expect(&fixture->directory, 1, 2);
    directory_deny(&fixture->directory, 1, 2);
    eventually(fixture_info(fixture, 1, 2).expired);
    uint64_t generation = fetcher_generation(&fixture->fetcher);
    assert_int_equal(shm_unlink(fixture->fetcher.names.routes), 0);
    eventually(fetcher_generation(&fixture->fetcher) > generation);
    fixture_learn(fixture, 1, 2, 3, 80);

    directory_hang_up(&fixture->directory);
    directory_accept(&fixture->directory);
    directory_expect(&fixture->directory, 7, 7);
    fixture_answer(fixture, 7, 7, 4, 7000);
    directory_expect(&fixture->directory, 1, 2);
    fixture_answer(fixture, 1, 2, 3, 80);
    directory_expect_nothing(&fixture->directory, 300);
}

static void stopped_fetcher_is_seen_and_does_not_stop_its_clients(void **state)
{
    struct fixture *fixture = *state;
    fixture_connect_with_good_route(fixture);
    process_signal(&fixture->fetcher.process, SIGSTOP);
    eventually(!fixture_info(fixture, 7, 7).fetcher_alive);
    assert_true(fixture_info(fixture, 7, 7).fetcher_silent_ms >= 1000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(fixture_lookup(fixture, 7, 7), LARSHM_OK);
    assert_true(fixture_serves_good_route(fixture));
    process_signal(&fixture->fetcher.process, SIGCONT);
    eventually(fixture_info(fixture, 7, 7).fetcher_alive);
    fixture_learn(fixture, 1, 2, 3, 80);
}

/* How often the fetcher has gone to sleep. */
static uint64_t sleeps(const struct fixture *fixture)
{
    char path[64], line[256];
    unsigned long long count = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)fixture->fetcher.process.pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) && sscanf(line, "voluntary_ctxt_switches: %llu", &count) != 1)
        continue;
    fclose(file);
    assert_true(count > 0);
    return count;
}

static void fetcher_that_is_asked_nothing_sleeps_long_and_sees_the_next_demand(void **state)
{
    struct fixture *fixture = *state;
    fixture_connect(fixture);
    fixture_learn(fixture, 1, 2, 3, 80);
    usleep(1500 * 1000); /* it is idle after a second */
    uint64_t before = sleeps(fixture), begun = clock_tick();
    for (int i = 0; i < 10; i++) {
        assert_int_equal(fixture_lookup(fixture, 1, 2), LARSHM_OK);
        usleep(100 * 1000);
    }
    uint64_t polls = (clock_tick() - begun) / fixture->fetcher.config.poll_interval_ms;
    assert_true(sleeps(fixture) - before < polls / 4);
    assert_true(fixture_info(fixture, 1, 2).fetcher_alive);
    fixture_learn(fixture, 1, 3, 3, 80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(check_config_accepts_a_good_file_and_refuses_a_bad_one),
        fixture_test(bad_configuration_keeps_the_fetcher_from_starting_and_touches_no_object),
        fixture_test(bad_configuration_leaves_the_routes_of_a_stopped_fetcher_alone),
        fixture_test(second_fetcher_is_refused_and_names_the_first),
        fixture_test(routes_are_served_on_after_a_stop_and_clients_see_it),
        fixture_test(fetcher_stops_cleanly_in_each_state_of_its_connection),
        fixture_test(killed_fetcher_leaves_all_routes_to_the_next_one),
        fixture_test(most_used_routes_are_listed_and_go_on_growing_after_a_kill),
        fixture_test(signal_that_comes_while_a_fetcher_starts_ends_it_cleanly),
        fixture_test(reload_changes_what_can_change_in_a_running_fetcher),
        fixture_test(reload_names_the_keys_that_need_a_restart),
        fixture_test(reload_of_a_bad_file_changes_nothing_and_says_so),
        fixture_test(reload_moves_to_another_directory),
        fixture_test(reload_to_another_directory_does_not_wait_for_the_backoff),
        fixture_test(service_manager_is_notified_of_start_connection_and_stop),
        fixture_test(removed_objects_are_recreated_and_clients_follow),
        fixture_test(route_that_came_back_in_a_new_generation_is_asked_for_once_after_a_reconnect),
        fixture_test(stopped_fetcher_is_seen_and_does_not_stop_its_clients),
        fixture_test(fetcher_that_is_asked_nothing_sleeps_long_and_sees_the_next_demand),
    };
    return cmocka_run_group_tests_name("integration/daemon", tests, NULL, NULL);
}
