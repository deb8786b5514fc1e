/* SPDX-License-Identifier: MIT */
/* Answers larger than what loopback carries in one piece: in a network of the test's own, which root may make. */
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/integration/bridge_fixture.h"

enum {
    SMALL_MTU = 1500,
    MANY_HOSTS = 5000,
};

static void raise_loopback(int mtu)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_mtu = mtu};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(ioctl(fd, SIOCSIFMTU, &request), 0);
    request.ifr_flags = IFF_UP;
    assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &request), 0);
    close(fd);
}

static void large_route_is_answered_whole_where_loopback_has_a_small_mtu(void **state)
{
    if (unshare(CLONE_NEWNET) != 0)
        skip();
    raise_loopback(SMALL_MTU);
    assert_int_equal(bridge_setup(state), 0);
    struct bridge *bridge = *state;
    int fd = client_open("127.0.0.1", bridge->ports[0]);
    instance_put(bridge->instance, route_key_number(route_key(1, 1)), 1, MANY_HOSTS, 3600);
    Lars__GetRouteResponse *route = client_get_route(fd, 1, 1);
    assert_int_equal(route->n_host, MANY_HOSTS);
    lars__get_route_response__free_unpacked(route, NULL);
    close(fd);
    bridge_stop(bridge, SIGTERM);
    assert_int_equal(process_said(&bridge->process, "answers too large: 0, answers not sent: 0"), 1);
}

static int teardown(void **state)
{
    return *state ? bridge_teardown(state) : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(large_route_is_answered_whole_where_loopback_has_a_small_mtu, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
