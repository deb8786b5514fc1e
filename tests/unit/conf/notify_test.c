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

#include "conf/notify.h"

/* A service manager's socket: of this name, with '@' for the NUL of an abstract one. */
static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    memcpy(address.sun_path, path, strlen(path));
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, size), 0);
    setenv("NOTIFY_SOCKET", path, 1);
    return fd;
}

static void the_message_arrives_at_the_socket_in_the_environment(void **state)
{
    static const char *const forms[] = {"/tmp/larshm-notify-%ld", "@larshm-notify-%ld"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        char path[64], text[64] = "";
        snprintf(path, sizeof(path), forms[i], (long)getpid());
        int fd = listen_at(path);
        notify("READY=1");
        assert_int_equal(recv(fd, text, sizeof(text), 0), 7);
        assert_string_equal(text, "READY=1");
        close(fd);
        unlink(path);
    }
}

static void without_a_usable_socket_nothing_happens(void **state)
{
    static char longest[300];
    static const char *const names[] = {"", "@", "relative", "/no/such/socket", longest};
    (void)state;
    memset(longest, '/', sizeof(longest) - 1);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        setenv("NOTIFY_SOCKET", names[i], 1);
        notify("READY=1");
    }
    unsetenv("NOTIFY_SOCKET");
    notify("READY=1");
}

static void the_watchdog_is_for_the_process_that_the_manager_names(void **state)
{
    char pid[24];
    (void)state;
    assert_int_equal(notify_watchdog_ms(), 0);
    setenv("WATCHDOG_USEC", "30000000", 1);
    assert_int_equal(notify_watchdog_ms(), 30000);
    snprintf(pid, sizeof(pid), "%ld", (long)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    assert_int_equal(notify_watchdog_ms(), 30000);
    setenv("WATCHDOG_PID", "1", 1);
    assert_int_equal(notify_watchdog_ms(), 0);
    unsetenv("WATCHDOG_PID");
}

static void a_watchdog_time_that_is_no_number_is_none(void **state)
{
    static const char *const texts[] = {"", "soon", "-1", "1 ", "99999999999999999999"};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        setenv("WATCHDOG_USEC", texts[i], 1);
        assert_int_equal(notify_watchdog_ms(), 0);
    }
    unsetenv("WATCHDOG_USEC");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_message_arrives_at_the_socket_in_the_environment),
        cmocka_unit_test(without_a_usable_socket_nothing_happens),
        cmocka_unit_test(the_watchdog_is_for_the_process_that_the_manager_names),
        cmocka_unit_test(a_watchdog_time_that_is_no_number_is_none),
    };
    return cmocka_run_group_tests_name("unit/conf/notify", tests, NULL, NULL);
}
