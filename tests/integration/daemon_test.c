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
#include <unistd.h>

#include "tests/support/fixture.h"

static bool object_exists(const char *name)
{
    int fd = shm_open(name, O_RDONLY, 0);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static int check_config(struct scene *scene, const char *path)
{
    struct process check = {0};
    char option[] = "--check-config", copy[128];
    snprintf(copy, sizeof(copy), "%s", path);
    char *const argv[] = {LARSHM_FETCHER, option, copy, NULL};
    process_start(&check, scene->fetcher.log_path, argv);
    return process_wait(&check);
}

static void check_config_tells_a_good_file_from_a_bad_one(void **state)
{
    struct scene *scene = *state;
    snprintf(scene->fetcher.process.log, sizeof(scene->fetcher.process.log), "%s", scene->fetcher.log_path);
    fetcher_configure(&scene->fetcher);
    assert_int_equal(check_config(scene, scene->fetcher.config_path), 0);
    assert_int_equal(process_said(&scene->fetcher.process, "ok\n"), 1);
    fetcher_configure_text(&scene->fetcher, "[fetcher]\npoll_intervall_ms = 5\n");
    assert_int_equal(check_config(scene, scene->fetcher.config_path), 1);
    assert_int_equal(process_said(&scene->fetcher.process, "conf:2: "), 1);
    assert_int_equal(process_said(&scene->fetcher.process, "poll_interval_ms"), 1);
    assert_int_equal(check_config(scene, scene->fetcher.home), 1);
    assert_int_equal(check_config(scene, "/nonexistent/larshm.conf"), 1);
    assert_int_equal(process_said(&scene->fetcher.process, "/nonexistent/larshm.conf"), 1);
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
    struct scene *scene = *state;
    for (size_t i = 0; i < sizeof(bad_configurations) / sizeof(*bad_configurations); i++) {
        fetcher_configure_text(&scene->fetcher, bad_configurations[i]);
        fetcher_launch(&scene->fetcher);
        assert_int_equal(process_wait(&scene->fetcher.process), 1);
        assert_int_equal(process_said(&scene->fetcher.process, scene->fetcher.config_path), i + 1);
    }
    assert_false(object_exists(scene->fetcher.names.routes));
    assert_false(object_exists(scene->fetcher.names.control));
    assert_false(object_exists(scene->fetcher.names.lock));
}

static void bad_configuration_leaves_the_routes_of_a_stopped_fetcher_alone(void **state)
{
    struct scene *scene = *state;
    scene_connect_with_good_route(scene);
    fetcher_stop(&scene->fetcher);
    uint64_t generation = fetcher_generation(&scene->fetcher);
    fetcher_configure_text(&scene->fetcher, "[shm]\nmax_bytes = none\n");
    fetcher_launch(&scene->fetcher);
    assert_int_equal(process_wait(&scene->fetcher.process), 1);
    assert_int_equal(fetcher_generation(&scene->fetcher), generation);
    assert_true(scene_serves_good_route(scene));
}

static void expect_refused(struct scene *scene)
{
    struct fetcher second = scene->fetcher;
    char holder[64];
    snprintf(holder, sizeof(holder), "already running (pid %ld)", (long)scene->fetcher.process.pid);
    unsigned before = process_said(&scene->fetcher.process, holder);
    fetcher_launch(&second);
    assert_int_equal(process_wait(&second.process), 1);
    assert_int_equal(process_said(&scene->fetcher.process, holder), before + 1);
}

static void second_fetcher_is_refused_and_told_who_is_there(void **state)
{
    struct scene *scene = *state;
    scene_connect_with_good_route(scene);
    uint64_t generation = fetcher_generation(&scene->fetcher);
    expect_refused(scene);
    assert_int_equal(fetcher_generation(&scene->fetcher), generation);
    assert_true(process_alive(&scene->fetcher.process));
    scene_learn(scene, 1, 2, 3, 80);
}

static void routes_are_served_on_after_a_stop_and_clients_can_tell(void **state)
{
    struct scene *scene = *state;
    scene_connect_with_good_route(scene);
    assert_true(scene_info(scene, 7, 7).fetcher_alive);
    fetcher_stop(&scene->fetcher);
    directory_expect_end(&scene->directory);
    assert_true(scene_serves_good_route(scene));
    assert_false(scene_info(scene, 7, 7).fetcher_alive);
    assert_false(scene_info(scene, 7, 7).connected);
    assert_int_equal(scene_lookup(scene, 1, 2), LARSHM_PENDING);
}

static void fetcher_stops_in_good_order_whatever_its_connection_is_at(void **state)
{
    struct scene *scene = *state;
    scene->fetcher.config.reconnect_min_ms = scene->fetcher.config.reconnect_max_ms = 60000;
    scene_start(scene);
    eventually(fetcher_counter(&scene->fetcher, COUNTER_connect_failures) == 1);
    fetcher_stop(&scene->fetcher);

    directory_listen(&scene->directory);
    directory_clog(&scene->directory);
    fetcher_start(&scene->fetcher);
    process_signal(&scene->fetcher.process, SIGINT);
    assert_int_equal(process_wait(&scene->fetcher.process), 0);
    directory_unclog(&scene->directory);

    scene->fetcher.config.host = "nonexistent.invalid";
    fetcher_start(&scene->fetcher);
    fetcher_stop(&scene->fetcher);
}

static void killed_fetcher_leaves_all_routes_to_the_next_one(void **state)
{
    struct scene *scene = *state;
    scene->fetcher.config.update_timeout = 1;
    scene_connect_with_good_route(scene);
    scene_learn(scene, 1, 2, 3, 80);
    scene_lookup_until_asked(scene, 7, 7);
    assert_true(scene_info(scene, 7, 7).pulling);
    process_kill(&scene->fetcher.process);
    directory_refuse(&scene->directory);
    assert_true(scene_serves_good_route(scene));

    scene_start(scene);
    assert_true(process_said(&scene->fetcher.process, "adopted 2 routes") == 1);
    assert_true(scene_serves_good_route(scene));
    assert_true(scene_serves(scene, 1, 2, 3, 80));
    /* The request died with the one who sent it. */
    assert_false(scene_info(scene, 7, 7).pulling);
    assert_int_equal(fetcher_counter(&scene->fetcher, COUNTER_routes), 2);

    directory_listen(&scene->directory);
    directory_accept(&scene->directory);
    for (int i = 0; i < 2; i++) {
        uint64_t key;
        assert_true(directory_takes(&scene->directory, PATIENCE_MS, &key));
        scene_answer(scene, key_modid(key), key_cmdid(key), 1, 81);
    }
    eventually(scene_serves(scene, 7, 7, 1, 81) && scene_serves(scene, 1, 2, 1, 81));
}

static void reload(struct scene *scene)
{
    unsigned before = process_said(&scene->fetcher.process, "reloaded ");
    fetcher_configure(&scene->fetcher);
    process_signal(&scene->fetcher.process, SIGHUP);
    eventually(process_said(&scene->fetcher.process, "reloaded ") == before + 1);
}

static void reload_changes_what_can_change_in_a_running_fetcher(void **state)
{
    struct scene *scene = *state;
    scene_connect_with_good_route(scene);
    assert_int_equal(scene_info(scene, 7, 7).update_timeout_s, 3600);
    scene->fetcher.config.update_timeout = 1;
    reload(scene);
    assert_int_equal(process_said(&scene->fetcher.process, "need a restart"), 0);

    /* The next answer lives by it, whether it brings other hosts or the same. */
    scene_learn(scene, 1, 2, 3, 80);
    assert_int_equal(scene_info(scene, 1, 2).update_timeout_s, 1);
    scene_answer(scene, 7, 7, 4, 7000);
    eventually(scene_info(scene, 7, 7).update_timeout_s == 1);
    scene_lookup_until_asked(scene, 7, 7);
}

static void reload_names_the_keys_that_need_a_restart(void **state)
{
    struct scene *scene = *state;
    scene_connect_with_good_route(scene);
    scene->fetcher.config.max_bytes = "32M";
    scene->fetcher.config.grace_ms = 300;
    reload(scene);
    eventually(
        process_said(&scene->fetcher.process, "these keys need a restart: shm.max_bytes, shm.grace_ms") == 1);
}

static void reload_of_a_bad_file_changes_nothing_and_says_so(void **state)
{
    struct scene *scene = *state;
    scene_connect_with_good_route(scene);
    fetcher_configure_text(&scene->fetcher, "[loadbalance]\nupdate_timeout = 1\nno_such_key = 1\n");
    process_signal(&scene->fetcher.process, SIGHUP);
    eventually(process_said(&scene->fetcher.process, "the configuration stays as it was") == 1);
    assert_int_equal(process_said(&scene->fetcher.process, "conf:3: "), 1);
    scene_learn(scene, 1, 2, 3, 80);
    assert_int_equal(scene_info(scene, 1, 2).update_timeout_s, 3600);
    assert_true(scene_serves_good_route(scene));
}

static void reload_moves_to_another_directory(void **state)
{
    struct scene *scene = *state;
    struct directory old = scene->directory;
    directory_open(&scene->directory);
    directory_listen(&scene->directory);
    scene->fetcher.config.port = old.port;
    directory_listen(&old);
    scene_start(scene);
    directory_accept(&old);

    scene->fetcher.config.port = scene->directory.port;
    reload(scene);
    directory_expect_end(&old);
    directory_close(&old);
    directory_accept(&scene->directory);
    scene_learn(scene, 1, 2, 3, 80);
}

static void reload_to_another_directory_does_not_wait_for_the_backoff(void **state)
{
    struct scene *scene = *state;
    unsigned good = scene->directory.port;
    scene->fetcher.config.port = 9; /* nobody is there */
    scene->fetcher.config.reconnect_min_ms = scene->fetcher.config.reconnect_max_ms = 60000;
    directory_listen(&scene->directory);
    scene_start(scene);
    eventually(process_said(&scene->fetcher.process, "trying again in") > 0);
    scene->fetcher.config.port = good;
    reload(scene);
    directory_accept(&scene->directory);
    scene_learn(scene, 1, 2, 3, 80);
}

/* The next datagram that the fetcher sends to its service manager. */
static void receive_notice(int fd, char *out, size_t size)
{
    ssize_t length = -1;
    eventually((length = recv(fd, out, size - 1, MSG_DONTWAIT)) > 0);
    out[length] = '\0';
}

static void service_manager_is_told_about_start_connection_and_stop(void **state)
{
    struct scene *scene = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char notice[512];
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", scene->fetcher.home);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
    scene_connect_with_good_route(scene);
    unsetenv("NOTIFY_SOCKET");

    receive_notice(fd, notice, sizeof(notice));
    assert_non_null(strstr(notice, "READY=1\n"));
    assert_non_null(strstr(notice, "STATUS="));
    while (!strstr(notice, "STATUS=connected to 127.0.0.1:"))
        receive_notice(fd, notice, sizeof(notice));
    assert_non_null(strstr(notice, "1 routes"));
    fetcher_stop(&scene->fetcher);
    while (!strstr(notice, "STOPPING=1"))
        receive_notice(fd, notice, sizeof(notice));
    close(fd);
    unlink(address.sun_path);
}

static void removed_objects_are_made_anew_and_clients_follow(void **state)
{
    struct scene *scene = *state;
    const struct object_names *names = &scene->fetcher.names;
    const char *const removed[] = {names->routes, names->control, names->lock};
    scene_connect_with_good_route(scene);
    for (uint32_t i = 0; i < 3; i++) {
        uint64_t generation = fetcher_generation(&scene->fetcher);
        assert_int_equal(shm_unlink(removed[i]), 0);
        assert_true(scene_serves_good_route(scene));
        eventually(object_exists(removed[i]));
        if (removed[i] != names->lock)
            eventually(fetcher_generation(&scene->fetcher) > generation);
        scene_learn(scene, 1, i, 3, 80);
        assert_true(scene_serves_good_route(scene));
    }
    eventually(process_said(&scene->fetcher.process, "had been removed") > 0);
    expect_refused(scene);
}

/* An expired negative entry is left behind by a new generation, and comes back when it is looked up. */
static void route_that_came_back_in_a_new_generation_is_asked_for_once_after_a_reconnect(void **state)
{
    struct scene *scene = *state;
    scene->fetcher.config.update_timeout = 1;
    scene->fetcher.config.resubscribe_per_second = 50;
    scene_connect_with_good_route(scene);
    assert_int_equal(scene_lookup(scene, 1, 2), LARSHM_PENDING);
    directory_expect(&scene->directory, 1, 2);
    directory_deny(&scene->directory, 1, 2);
    eventually(scene_info(scene, 1, 2).expired);
    uint64_t generation = fetcher_generation(&scene->fetcher);
    assert_int_equal(shm_unlink(scene->fetcher.names.routes), 0);
    eventually(fetcher_generation(&scene->fetcher) > generation);
    scene_learn(scene, 1, 2, 3, 80);

    directory_hang_up(&scene->directory);
    directory_accept(&scene->directory);
    directory_expect(&scene->directory, 7, 7);
    scene_answer(scene, 7, 7, 4, 7000);
    directory_expect(&scene->directory, 1, 2);
    scene_answer(scene, 1, 2, 3, 80);
    directory_expect_nothing(&scene->directory, 300);
}

static void stopped_fetcher_is_seen_and_does_not_stop_its_clients(void **state)
{
    struct scene *scene = *state;
    scene_connect_with_good_route(scene);
    process_signal(&scene->fetcher.process, SIGSTOP);
    eventually(!scene_info(scene, 7, 7).fetcher_alive);
    assert_true(scene_info(scene, 7, 7).fetcher_silent_ms >= 1000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(scene_lookup(scene, 7, 7), LARSHM_OK);
    assert_true(scene_serves_good_route(scene));
    process_signal(&scene->fetcher.process, SIGCONT);
    eventually(scene_info(scene, 7, 7).fetcher_alive);
    scene_learn(scene, 1, 2, 3, 80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene_test(check_config_tells_a_good_file_from_a_bad_one),
        scene_test(bad_configuration_keeps_the_fetcher_from_starting_and_touches_no_object),
        scene_test(bad_configuration_leaves_the_routes_of_a_stopped_fetcher_alone),
        scene_test(second_fetcher_is_refused_and_told_who_is_there),
        scene_test(routes_are_served_on_after_a_stop_and_clients_can_tell),
        scene_test(fetcher_stops_in_good_order_whatever_its_connection_is_at),
        scene_test(killed_fetcher_leaves_all_routes_to_the_next_one),
        scene_test(reload_changes_what_can_change_in_a_running_fetcher),
        scene_test(reload_names_the_keys_that_need_a_restart),
        scene_test(reload_of_a_bad_file_changes_nothing_and_says_so),
        scene_test(reload_moves_to_another_directory),
        scene_test(reload_to_another_directory_does_not_wait_for_the_backoff),
        scene_test(service_manager_is_told_about_start_connection_and_stop),
        scene_test(removed_objects_are_made_anew_and_clients_follow),
        scene_test(route_that_came_back_in_a_new_generation_is_asked_for_once_after_a_reconnect),
        scene_test(stopped_fetcher_is_seen_and_does_not_stop_its_clients),
    };
    return cmocka_run_group_tests_name("integration/daemon", tests, NULL, NULL);
}
