/* SPDX-License-Identifier: MIT */
/* The bridge as a process: how it starts and listens, which instance it follows, how it ends. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "tests/integration/bridge_fixture.h"

enum {
    SUCC = LARS__RET_CODE__RET_SUCC,
    NOEXIST = LARS__RET_CODE__RET_NOEXIST,
};

static void remove_objects(struct bridge *bridge)
{
    const struct object_names *names = &bridge->instance->names;
    instance_stop(bridge->instance);
    shm_unlink(names->routes);
    shm_unlink(names->control);
    shm_unlink(names->lock);
}

static void instance_that_comes_later_is_found_without_a_restart(void **state)
{
    struct bridge *bridge = *state;
    uint8_t bytes[REQUEST_BYTES];
    bridge_stop(bridge, SIGTERM);
    remove_objects(bridge);
    bridge_start(bridge, NULL);
    int fd = bridge_client(bridge);
    assert_int_equal(client_get_host(fd, 1, 1).retcode, NOEXIST);
    Lars__GetRouteResponse *route = client_get_route(fd, 1, 1);
    assert_int_equal(route->n_host, 0);
    lars__get_route_response__free_unpacked(route, NULL);
    client_send(fd, bytes, report_request(bytes, 1, 1, 0x0a000001, 80, 0)); /* no instance to record it in */
    assert_int_equal(process_said(&bridge->process, bridge->instance->name), 1);

    instance_start(bridge->instance);
    bridge_put_one(bridge, 1, 1, "10.0.0.1", 80);
    eventually(client_get_host(fd, 1, 1).retcode == SUCC);
    client_expect_host(fd, 1, 1, 0x0a000001, 80);
    assert_int_equal(process_said(&bridge->process, "is open"), 1);
    close(fd);
    bridge_stop(bridge, SIGTERM);
    assert_int_equal(process_said(&bridge->process, "reports: 0, bad datagrams: 0, reports lost: 1"), 1);
}

static void generation_after_generation_is_followed(void **state)
{
    struct bridge *bridge = *state;
    int fd = bridge_client(bridge);
    for (int32_t i = 1; i <= 5; i++) {
        bridge_put_one(bridge, 1, 1, "10.0.0.1", (uint16_t)i);
        client_expect_host(fd, 1, 1, 0x0a000001, i);
        instance_renew(bridge->instance);
    }
    instance_stop(bridge->instance);
    client_expect_host(fd, 1, 1, 0x0a000001, 5); /* no fetcher is there, the routes are */
    instance_start(bridge->instance);
    bridge_put_one(bridge, 1, 1, "10.0.0.2", 6);
    client_expect_host(fd, 1, 1, 0x0a000002, 6);
    close(fd);
}

/* Has a bridge try, and says whether it gave up with this status and this in its log. */
static bool gives_up(struct bridge *bridge, const char *const arguments[], int status, const char *why)
{
    struct bridge other = {.instance = bridge->instance};
    memcpy(other.log, bridge->log, sizeof(other.log));
    unsigned before = process_said(&bridge->process, why);
    bridge_launch(&other, arguments);
    return process_wait(&other.process) == status && process_said(&bridge->process, why) == before + 1;
}

static void port_in_use_is_named_with_what_to_do(void **state)
{
    struct bridge *bridge = *state;
    char ports[32], why[64];
    int fd = bridge_client(bridge);
    snprintf(ports, sizeof(ports), "0,%u", bridge->ports[2]);
    snprintf(why, sizeof(why), "cannot listen on udp 127.0.0.1:%u: Address already in use", bridge->ports[2]);
    assert_true(gives_up(bridge, (const char *const[]){"--ports", ports, NULL}, EXIT_FAILURE, why));
    assert_int_equal(process_said(&bridge->process, "Lars agent"), 1);
    assert_int_equal(process_said(&bridge->process, "--ports\n"), 1);
    bridge_put_one(bridge, 1, 1, "10.0.0.1", 80);
    client_expect_host(fd, 1, 1, 0x0a000001, 80); /* and who had it before still has it */
    close(fd);
}

static void wrong_command_lines_are_refused(void **state)
{
    static const char *const bad_ports[] = {
        "",      "8888,",     "8888,,8890", "65536", "-1",
        "8888x", "8888,8888", "0,0,0,0",    "0x10",  "99999999999999999999"};
    static const char *const bad_addresses[] = {"",    "localhost",   "127.0.0",
                                                "::1", "127.0.0.256", "1.2.3.4:5"};
    struct bridge *bridge = *state;
    for (size_t i = 0; i < sizeof(bad_ports) / sizeof(*bad_ports); i++)
        assert_true(gives_up(bridge, (const char *const[]){"--ports", bad_ports[i], NULL}, EX_CONFIG,
                             "one to three"));
    for (size_t i = 0; i < sizeof(bad_addresses) / sizeof(*bad_addresses); i++)
        assert_true(gives_up(bridge, (const char *const[]){"--listen", bad_addresses[i], NULL}, EX_CONFIG,
                             "dotted IPv4"));
    assert_true(gives_up(bridge, (const char *const[]){"-n", "no/name", NULL}, EX_CONFIG, "no/name"));
    assert_true(gives_up(bridge, (const char *const[]){"word", NULL}, EX_CONFIG, "Too many arguments"));
    /* An address that no machine has: kept for documentation. */
    assert_true(gives_up(bridge, (const char *const[]){"--listen", "192.0.2.1", "--ports", "0", NULL},
                         EXIT_FAILURE, "cannot listen on udp 192.0.2.1:0"));
}

static void other_addresses_are_served_only_when_asked_for(void **state)
{
    struct bridge *bridge = *state;
    uint8_t bytes[REQUEST_BYTES];
    bridge_put_one(bridge, 1, 1, "10.0.0.1", 80);
    size_t size = host_request(bytes, 1, 1, 1);
    int fd = client_open("127.0.0.2", bridge->ports[0]);
    client_send(fd, bytes, size);
    char byte;
    assert_int_equal(recv(fd, &byte, 1, 0), -1); /* refused */
    close(fd);

    bridge_stop(bridge, SIGINT);
    bridge_start(bridge, "127.0.0.2");
    fd = client_open("127.0.0.2", bridge->ports[0]);
    client_expect_host(fd, 1, 1, 0x0a000001, 80);
    close(fd);
    assert_int_equal(process_said(&bridge->process, "other machines"), 0);

    bridge_stop(bridge, SIGINT);
    bridge_start(bridge, "0.0.0.0");
    fd = bridge_client(bridge);
    client_expect_host(fd, 1, 1, 0x0a000001, 80);
    close(fd);
    eventually(process_said(&bridge->process, "other machines") == 1);
}

static void service_manager_is_notified_of_ready_and_stop(void **state)
{
    struct bridge *bridge = *state;
    char text[256];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", bridge->home);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    bridge_stop(bridge, SIGTERM);
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
    bridge_start(bridge, NULL);
    unsetenv("NOTIFY_SOCKET");
    assert_false(client_hears_nothing(fd, EVENTUALLY_MS));
    ssize_t size = recv(fd, text, sizeof(text) - 1, 0);
    assert_true(size > 0);
    text[size] = '\0';
    assert_non_null(strstr(text, "READY=1"));
    bridge_stop(bridge, SIGTERM);
    size = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
    assert_true(size > 0);
    text[size] = '\0';
    assert_non_null(strstr(text, "STOPPING=1"));
    close(fd);
    unlink(address.sun_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        bridge_test(instance_that_comes_later_is_found_without_a_restart),
        bridge_test(generation_after_generation_is_followed),
        bridge_test(port_in_use_is_named_with_what_to_do),
        bridge_test(wrong_command_lines_are_refused),
        bridge_test(other_addresses_are_served_only_when_asked_for),
        bridge_test(service_manager_is_notified_of_ready_and_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
