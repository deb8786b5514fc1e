/* SPDX-License-Identifier: MIT */
/* A larshm-bridge in front of an instance whose routes the test publishes, and Lars clients of it. */
#ifndef TESTS_INTEGRATION_BRIDGE_FIXTURE_H
#define TESTS_INTEGRATION_BRIDGE_FIXTURE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lars.pb-c.h"
#include "tests/support/eventually.h"
#include "tests/support/instance.h"
#include "tests/support/process.h"

enum {
    BRIDGE_PORTS = 3,
    REQUEST_BYTES = 128, /* more than any request takes */
    DATAGRAM_BYTES = 65536,
    ROUTE_TTL_S = 3600, /* of routes that are published */
};

struct bridge {
    struct instance *instance;
    struct process process;
    char home[32], log[64];
    in_port_t ports[BRIDGE_PORTS];
};

/* cmocka set-up and tear-down: *state is a struct bridge whose process answers on 127.0.0.1. A bridge that does not end
 * well on SIGTERM fails the test. */
int bridge_setup(void **state);
int bridge_teardown(void **state);
#define bridge_test(test) cmocka_unit_test_setup_teardown(test, bridge_setup, bridge_teardown)

/* Starts another process with these arguments, NULL at the end, and waits for nothing. */
void bridge_launch(struct bridge *bridge, const char *const arguments[]);
/* Starts it on ports that the kernel chooses, and waits until it listens. NULL: where it listens by itself. */
void bridge_start(struct bridge *bridge, const char *listen);
/* SIGTERM, or another; the exit status must be 0. */
void bridge_stop(struct bridge *bridge, int number);
/* The bridge ends, and has counted so many. */
void bridge_expect_totals(struct bridge *bridge, unsigned requests, unsigned reports, unsigned bad);

/* Publishes a route of these hosts, or of one. */
void bridge_put(struct bridge *bridge, int32_t modid, int32_t cmdid, const struct host_addr *hosts,
                uint32_t count);
void bridge_put_one(struct bridge *bridge, int32_t modid, int32_t cmdid, const char *ip, uint16_t port);

/* A client's socket; what comes from elsewhere than this port does not reach it. */
int client_open(const char *ip, in_port_t port);
/* One to the first port of the bridge. */
int bridge_client(const struct bridge *bridge);
void client_send(int fd, const void *datagram, size_t size);
/* Takes the next datagram and returns its size; fails when none comes. */
size_t client_receive(int fd, uint8_t out[static DATAGRAM_BYTES]);
bool client_hears_nothing(int fd, int ms);

/* Makes a datagram; returns its size. */
size_t host_request(uint8_t out[static REQUEST_BYTES], uint32_t seq, int32_t modid, int32_t cmdid);
size_t report_request(uint8_t out[static REQUEST_BYTES], int32_t modid, int32_t cmdid, int32_t ip,
                      int32_t port, int32_t retcode);

/* An answer, decoded. */
struct host_answer {
    uint32_t seq;
    int32_t modid, cmdid, retcode, ip, port;
    bool has_host;
};
struct host_answer client_take_host(int fd);
/* Sends a request and receives its answer. */
struct host_answer client_get_host(int fd, int32_t modid, int32_t cmdid);
void client_expect_host(int fd, int32_t modid, int32_t cmdid, int32_t ip, int32_t port);
/* The hosts of a route; the caller frees it with lars__get_route_response__free_unpacked(). */
Lars__GetRouteResponse *client_get_route(int fd, int32_t modid, int32_t cmdid);

#endif
