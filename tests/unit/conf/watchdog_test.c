/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "conf/watchdog.h"

struct manager {
    int fd;
    uv_loop_t loop;
    uv_timer_t watchdog;
};

/* A service manager that wants to hear of the loop that often; NULL: not at all. */
static void manager_start(struct manager *manager, const char *usec)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char name[64];
    int size = snprintf(name, sizeof(name), "@larshm-watchdog-%ld", (long)getpid());
    memcpy(address.sun_path + 1, name + 1, (size_t)size - 1);
    manager->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(manager->fd, (const struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)size)),
                     0);
    setenv("NOTIFY_SOCKET", name, 1);
    unsetenv("WATCHDOG_USEC");
    if (usec)
        setenv("WATCHDOG_USEC", usec, 1);
    assert_int_equal(uv_loop_init(&manager->loop), 0);
    watchdog_start(&manager->watchdog, &manager->loop);
}

static void manager_stop(struct manager *manager)
{
    uv_close((uv_handle_t *)&manager->watchdog, NULL);
    uv_run(&manager->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&manager->loop), 0);
    close(manager->fd);
}

static void keep_running(uv_idle_t *idle)
{
    (void)idle;
}

static unsigned messages(struct manager *manager)
{
    char text[64];
    unsigned count = 0;
    for (ssize_t size; (size = recv(manager->fd, text, sizeof(text), 0)) > 0; count++) {
        assert_int_equal(size, strlen("WATCHDOG=1"));
        assert_memory_equal(text, "WATCHDOG=1", (size_t)size);
    }
    return count;
}

static void a_loop_that_turns_feeds_the_watchdog_and_one_that_hangs_does_not(void **state)
{
    struct manager manager;
    uv_idle_t work;
    (void)state;
    manager_start(&manager, "3000"); /* a third of it: 1 ms */
    uv_idle_init(&manager.loop, &work);
    uv_idle_start(&work, keep_running);
    unsigned fed = 0;
    for (int turns = 0; fed < 3; turns++) {
        assert_true(turns < 10000);
        usleep(1000);
        uv_run(&manager.loop, UV_RUN_NOWAIT);
        fed += messages(&manager);
    }
    usleep(20000);
    assert_int_equal(messages(&manager), 0);
    uv_close((uv_handle_t *)&work, NULL);
    manager_stop(&manager);
}

static void without_a_watchdog_nothing_is_sent_and_the_loop_ends_by_itself(void **state)
{
    static const char *const periods[] = {NULL, "3000"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct manager manager;
        manager_start(&manager, periods[i]);
        assert_int_equal(uv_run(&manager.loop, UV_RUN_DEFAULT), 0);
        if (!periods[i])
            assert_int_equal(messages(&manager), 0);
        manager_stop(&manager);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loop_that_turns_feeds_the_watchdog_and_one_that_hangs_does_not),
        cmocka_unit_test(without_a_watchdog_nothing_is_sent_and_the_loop_ends_by_itself),
    };
    return cmocka_run_group_tests_name("unit/conf/watchdog", tests, NULL, NULL);
}
