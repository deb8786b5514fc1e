/* SPDX-License-Identifier: MIT */
#include "tests/integration/bridge_fixture.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/frame.h"
#include "shm/clock.h"
#include "tests/support/by_key.h"

void bridge_launch(struct bridge *bridge, const char *const arguments[])
{
    char *argv[16] = {LARSHM_BRIDGE, "-n", bridge->instance->name};
    for (int i = 0; arguments[i]; i++)
        argv[3 + i] = (char *)(uintptr_t)arguments[i];
    process_start(&bridge->process, bridge->log, argv);
}

/* What it said last counts: the log has the lines of earlier processes too. */
static bool read_ports(struct bridge *bridge, const char *listen)
{
    char line[256], format[64];
    unsigned port, count = 0;
    snprintf(format, sizeof(format), "listening on udp %s:%%u", listen);
    FILE *file = fopen(bridge->log, "re");
    while (file && fgets(line, sizeof(line), file))
        if (sscanf(line, format, &port) == 1)
            bridge->ports[count++ % BRIDGE_PORTS] = (in_port_t)port;
    if (file)
        fclose(file);
    return count > 0 && count % BRIDGE_PORTS == 0;
}

/* False: it does not listen. */
static bool start(struct bridge *bridge, const char *listen)
{
    const char *const arguments[] = {"--ports", "0,0,0", listen ? "--listen" : NULL, listen, NULL};
    uint64_t deadline = clock_tick() + EVENTUALLY_MS;
    unlink(bridge->log);
    bridge_launch(bridge, arguments);
    while (!read_ports(bridge, listen ? listen : "127.0.0.1")) {
        if (clock_tick() > deadline || !process_alive(&bridge->process))
            return false;
        pause_ms(LOOK_EVERY_MS);
    }
    return true;
}

void bridge_start(struct bridge *bridge, const char *listen)
{
    assert_true(start(bridge, listen));
}

void bridge_stop(struct bridge *bridge, int number)
{
    process_signal(&bridge->process, number);
    assert_int_equal(process_wait(&bridge->process), 0);
}

void bridge_expect_totals(struct bridge *bridge, unsigned requests, unsigned reports, unsigned bad)
{
    char totals[128];
    bridge_stop(bridge, SIGTERM);
    snprintf(totals, sizeof(totals), "requests: %u, reports: %u, bad datagrams: %u, reports lost: 0",
             requests, reports, bad);
    if (process_said(&bridge->process, totals) != 1)
        fail_msg("did not say \"%s\"", totals);
}

int bridge_setup(void **state)
{
    void *instance;
    struct bridge *bridge = calloc(1, sizeof(*bridge));
    assert_non_null(bridge);
    assert_int_equal(instance_setup(&instance), 0);
    bridge->instance = instance;
    strcpy(bridge->home, "/tmp/larshm-bridge-XXXXXX");
    assert_non_null(mkdtemp(bridge->home));
    snprintf(bridge->log, sizeof(bridge->log), "%s/log", bridge->home);
    *state = bridge;
    if (start(bridge, NULL))
        return 0;
    bridge_teardown(state); /* cmocka does not, after a set-up that failed */
    return -1;
}

int bridge_teardown(void **state)
{
    struct bridge *bridge = *state;
    int status = 0;
    if (process_alive(&bridge->process)) {
        process_signal(&bridge->process, SIGTERM);
        status = process_wait(&bridge->process);
    }
    if (status != 0)
        print_error("the bridge ended with %d\n", status);
    unlink(bridge->log);
    rmdir(bridge->home);
    void *instance = bridge->instance;
    instance_teardown(&instance);
    free(bridge);
    return status;
}

void bridge_put(struct bridge *bridge, int32_t modid, int32_t cmdid, const struct host_addr *hosts,
                uint32_t count)
{
    struct route_key key = route_key((uint32_t)modid, (uint32_t)cmdid);
    assert_int_equal(put_by_key(bridge->instance->writer, key, hosts, count, NULL, ROUTE_TTL_S, clock_tick()),
                     SHM_OK);
}

void bridge_put_one(struct bridge *bridge, int32_t modid, int32_t cmdid, const char *ip, uint16_t port)
{
    const struct host_addr host = {.address = inet_addr(ip), .port = htons(port)};
    bridge_put(bridge, modid, cmdid, &host, 1);
}

int client_open(const char *ip, in_port_t port)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr = {inet_addr(ip)}, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

int bridge_client(const struct bridge *bridge)
{
    return client_open("127.0.0.1", bridge->ports[0]);
}

void client_send(int fd, const void *datagram, size_t size)
{
    assert_int_equal(send(fd, datagram, size, 0), size);
}

static bool readable(int fd, int ms)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    return poll(&ready, 1, ms) == 1;
}

size_t client_receive(int fd, uint8_t out[static DATAGRAM_BYTES])
{
    if (!readable(fd, EVENTUALLY_MS))
        fail_msg("no answer");
    ssize_t size = recv(fd, out, DATAGRAM_BYTES, 0);
    assert_true(size > 0);
    return (size_t)size;
}

bool client_hears_nothing(int fd, int ms)
{
    return !readable(fd, ms);
}

static size_t pack(uint8_t out[static REQUEST_BYTES], int32_t id, const void *message)
{
    size_t length = protobuf_c_message_pack(message, out + FRAME_HEADER);
    frame_header(out, id, (uint32_t)length);
    return FRAME_HEADER + length;
}

size_t host_request(uint8_t out[static REQUEST_BYTES], uint32_t seq, int32_t modid, int32_t cmdid)
{
    Lars__GetHostRequest request = LARS__GET_HOST_REQUEST__INIT;
    request.seq = seq;
    request.modid = modid;
    request.cmdid = cmdid;
    return pack(out, LARS__MESSAGE_ID__ID_GetHostRequest, &request);
}

size_t report_request(uint8_t out[static REQUEST_BYTES], int32_t modid, int32_t cmdid, int32_t ip,
                      int32_t port, int32_t retcode)
{
    Lars__HostInfo host = LARS__HOST_INFO__INIT;
    Lars__ReportRequest report = LARS__REPORT_REQUEST__INIT;
    host.ip = ip;
    host.port = port;
    report.modid = modid;
    report.cmdid = cmdid;
    report.host = &host;
    report.retcode = retcode;
    return pack(out, LARS__MESSAGE_ID__ID_ReportRequest, &report);
}

/* The body of the next datagram, which must be one whole frame with this id. */
static struct frame take_frame(int fd, int32_t id, uint8_t bytes[static DATAGRAM_BYTES])
{
    struct frame frame;
    size_t used, size = client_receive(fd, bytes);
    assert_int_equal(frame_parse(bytes, size, &frame, &used), FRAME_OK);
    assert_int_equal(used, size);
    assert_int_equal(frame.id, id);
    return frame;
}

struct host_answer client_take_host(int fd)
{
    static uint8_t bytes[DATAGRAM_BYTES];
    struct frame frame = take_frame(fd, LARS__MESSAGE_ID__ID_GetHostResponse, bytes);
    Lars__GetHostResponse *message = lars__get_host_response__unpack(NULL, frame.length, frame.body);
    assert_non_null(message);
    struct host_answer answer = {
        .seq = message->seq,
        .modid = message->modid,
        .cmdid = message->cmdid,
        .retcode = message->retcode,
        .has_host = message->host,
        .ip = message->host ? message->host->ip : 0,
        .port = message->host ? message->host->port : 0,
    };
    lars__get_host_response__free_unpacked(message, NULL);
    assert_int_equal(answer.has_host, answer.retcode == LARS__RET_CODE__RET_SUCC);
    return answer;
}

struct host_answer client_get_host(int fd, int32_t modid, int32_t cmdid)
{
    static uint32_t seq = UINT32_MAX - 5;
    uint8_t request[REQUEST_BYTES];
    client_send(fd, request, host_request(request, ++seq, modid, cmdid));
    struct host_answer answer = client_take_host(fd);
    assert_int_equal(answer.seq, seq);
    assert_int_equal(answer.modid, modid);
    assert_int_equal(answer.cmdid, cmdid);
    return answer;
}

void client_expect_host(int fd, int32_t modid, int32_t cmdid, int32_t ip, int32_t port)
{
    struct host_answer answer = client_get_host(fd, modid, cmdid);
    assert_int_equal(answer.retcode, LARS__RET_CODE__RET_SUCC);
    assert_int_equal(answer.ip, ip);
    assert_int_equal(answer.port, port);
}

Lars__GetRouteResponse *client_get_route(int fd, int32_t modid, int32_t cmdid)
{
    static uint8_t bytes[DATAGRAM_BYTES];
    uint8_t out[REQUEST_BYTES];
    Lars__GetRouteRequest request = LARS__GET_ROUTE_REQUEST__INIT;
    request.modid = modid;
    request.cmdid = cmdid;
    client_send(fd, out, pack(out, LARS__MESSAGE_ID__ID_API_GetRouteRequest, &request));
    struct frame frame = take_frame(fd, LARS__MESSAGE_ID__ID_API_GetRouteResponse, bytes);
    Lars__GetRouteResponse *message = lars__get_route_response__unpack(NULL, frame.length, frame.body);
    assert_non_null(message);
    assert_int_equal(message->modid, modid);
    assert_int_equal(message->cmdid, cmdid);
    return message;
}
