/* SPDX-License-Identifier: MIT */
#include "tests/support/directory.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lars.pb-c.h"
#include "proto/field.h"
#include "tests/support/eventually.h"
#include "tools/bench/loopback.h"

enum {
    VERSION_FIELD_MAX = 11 /* bytes of the field */
};

static int bind_port(in_port_t *port)
{
    int fd = loopback_bind(SOCK_STREAM, port);
    assert_true(fd >= 0);
    return fd;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void end_connection(struct directory *directory)
{
    close_fd(&directory->fd);
    frame_stream_free(&directory->input);
}

void directory_open(struct directory *directory)
{
    *directory = (struct directory){.listener = -1, .clog = -1, .fd = -1};
    directory->reserved = bind_port(&directory->port);
}

void directory_close(struct directory *directory)
{
    directory_refuse(directory);
    close_fd(&directory->reserved);
}

void directory_listen(struct directory *directory)
{
    directory->listener = bind_port(&directory->port);
    assert_int_equal(listen(directory->listener, 16), 0);
}

void directory_refuse(struct directory *directory)
{
    end_connection(directory);
    close_fd(&directory->clog);
    close_fd(&directory->listener);
}

/* A queue for no connection takes one; what comes after it is dropped without a word. */
void directory_clog(struct directory *directory)
{
    assert_int_equal(listen(directory->listener, 0), 0);
    directory->clog = loopback_connect(SOCK_STREAM, directory->port);
    assert_true(directory->clog >= 0);
}

void directory_unclog(struct directory *directory)
{
    close(accept(directory->listener, NULL, NULL));
    close_fd(&directory->clog);
    assert_int_equal(listen(directory->listener, 16), 0);
}

bool directory_accepts(struct directory *directory, int timeout_ms)
{
    if (!loopback_readable(directory->listener, timeout_ms))
        return false;
    end_connection(directory);
    directory->fd = loopback_accept(directory->listener, SOCK_NONBLOCK);
    assert_true(directory->fd >= 0);
    return true;
}

void directory_accept(struct directory *directory)
{
    if (!directory_accepts(directory, EVENTUALLY_MS))
        fail_msg("the fetcher does not connect");
}

/* Reads what is there. False: nothing in time, or the end. */
static bool receive(struct directory *directory, int timeout_ms, bool *ended)
{
    if (!loopback_readable(directory->fd, timeout_ms))
        return false;
    *ended = loopback_receive(directory->fd, &directory->input) <= 0;
    return !*ended;
}

static struct route_key request_key(const struct frame *frame)
{
    assert_int_equal(frame->id, LARS__MESSAGE_ID__ID_GetRouteRequest);
    Lars__GetRouteRequest *request = lars__get_route_request__unpack(NULL, frame->length, frame->body);
    assert_non_null(request);
    struct route_key key = route_key((uint32_t)request->modid, (uint32_t)request->cmdid);
    lars__get_route_request__free_unpacked(request, NULL);
    return key;
}

static bool take(struct directory *directory, int timeout_ms, struct route_key *key)
{
    struct frame frame;
    bool ended = false;
    enum frame_result result;
    while ((result = frame_stream_next(&directory->input, &frame)) == FRAME_PARTIAL)
        if (!receive(directory, timeout_ms, &ended))
            return false;
    assert_int_equal(result, FRAME_OK);
    *key = request_key(&frame);
    return true;
}

static void tell_version(struct directory *directory)
{
    const struct wire_host row = {(int32_t)directory->version, 1};
    directory_answer(directory, UINT32_MAX, 0, &row, directory->version != 0);
}

bool directory_takes(struct directory *directory, int timeout_ms, struct route_key *key)
{
    bool taken;
    while ((taken = take(directory, timeout_ms, key)) && directory->of_several &&
           route_key_equal(*key, route_key(UINT32_MAX, 0)))
        tell_version(directory);
    return taken;
}

void directory_expect(struct directory *directory, uint32_t modid, uint32_t cmdid)
{
    struct route_key key;
    if (!directory_takes(directory, EVENTUALLY_MS, &key))
        fail_msg("no request for %u/%u came", modid, cmdid);
    if (!route_key_equal(key, route_key(modid, cmdid)))
        fail_msg("a request for %u/%u came instead of %u/%u", key.modid, key.cmdid, modid, cmdid);
}

void directory_expect_nothing(struct directory *directory, int ms)
{
    struct route_key key;
    if (directory_takes(directory, ms, &key))
        fail_msg("a request for %u/%u came", key.modid, key.cmdid);
}

bool directory_ended(struct directory *directory, int timeout_ms)
{
    bool ended = false;
    while (receive(directory, timeout_ms, &ended))
        continue;
    return ended;
}

void directory_expect_end(struct directory *directory)
{
    if (!directory_ended(directory, EVENTUALLY_MS))
        fail_msg("the fetcher does not end the connection");
}

void directory_send(struct directory *directory, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    while (size > 0) {
        struct pollfd poll_fd = {.fd = directory->fd, .events = POLLOUT};
        assert_int_equal(poll(&poll_fd, 1, EVENTUALLY_MS), 1);
        ssize_t sent = send(directory->fd, at, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN)
            continue;
        if (sent < 0)
            return;
        at += sent;
        size -= (size_t)sent;
    }
}

size_t answer_frame(uint8_t *out, uint32_t modid, uint32_t cmdid, const struct wire_host *hosts, size_t count)
{
    Lars__GetRouteResponse response = LARS__GET_ROUTE_RESPONSE__INIT;
    Lars__HostInfo *infos = calloc(count + 1, sizeof(*infos));
    Lars__HostInfo **list = calloc(count + 1, sizeof(*list));
    assert_non_null(infos);
    assert_non_null(list);
    for (size_t i = 0; i < count; i++) {
        infos[i] = (Lars__HostInfo)LARS__HOST_INFO__INIT;
        infos[i].ip = hosts[i].ip;
        infos[i].port = hosts[i].port;
        list[i] = &infos[i];
    }
    response.modid = (int32_t)modid;
    response.cmdid = (int32_t)cmdid;
    response.n_host = count;
    response.host = list;
    assert_true(lars__get_route_response__get_packed_size(&response) <=
                answer_frame_max(count) - FRAME_HEADER);
    size_t size = lars__get_route_response__pack(&response, out + FRAME_HEADER);
    frame_header(out, LARS__MESSAGE_ID__ID_GetRouteResponse, (uint32_t)size);
    free(list);
    free(infos);
    return FRAME_HEADER + size;
}

void directory_answer(struct directory *directory, uint32_t modid, uint32_t cmdid,
                      const struct wire_host *hosts, size_t count)
{
    uint8_t *bytes = malloc(answer_frame_max(count));
    assert_non_null(bytes);
    directory_send(directory, bytes, answer_frame(bytes, modid, cmdid, hosts, count));
    free(bytes);
}

void directory_answer_at(struct directory *directory, uint64_t version, uint32_t modid, uint32_t cmdid,
                         const struct wire_host *hosts, size_t count)
{
    uint8_t *bytes = malloc(answer_frame_max(count) + VERSION_FIELD_MAX);
    assert_non_null(bytes);
    uint8_t *end = field_put_number(bytes + answer_frame(bytes, modid, cmdid, hosts, count), 4, version);
    frame_header(bytes, LARS__MESSAGE_ID__ID_GetRouteResponse, (uint32_t)(end - bytes - FRAME_HEADER));
    directory_send(directory, bytes, (size_t)(end - bytes));
    free(bytes);
}

void directory_deny(struct directory *directory, uint32_t modid, uint32_t cmdid)
{
    directory_answer(directory, modid, cmdid, NULL, 0);
}

/* To close while unread bytes wait would be an RST: first the other end closes. */
void directory_hang_up(struct directory *directory)
{
    if (shutdown(directory->fd, SHUT_WR) == 0)
        directory_expect_end(directory);
    end_connection(directory);
}

void directory_reset(struct directory *directory)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    assert_int_equal(setsockopt(directory->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
    end_connection(directory);
}
