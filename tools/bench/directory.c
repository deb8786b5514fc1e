/* SPDX-License-Identifier: MIT */
#include "tools/bench/directory.h"

#include <err.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/bench/bench.h"
#include "tools/bench/world.h"
#include "tools/dns/message.h"

enum {
    ACCEPT_MS = 30000,
    LOOK_MS = 100, /* between two looks at bench_stopped() */
};

bool directory_open(struct directory *directory)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);
    *directory = (struct directory){.fd = -1};
    directory->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    directory->encoder = message_encoder_new();
    if (directory->encoder && directory->listener >= 0 &&
        bind(directory->listener, (struct sockaddr *)&address, size) == 0 &&
        getsockname(directory->listener, (struct sockaddr *)&address, &size) == 0 &&
        listen(directory->listener, 1) == 0) {
        directory->port = ntohs(address.sin_port);
        return true;
    }
    warn("cannot listen on loopback");
    return false;
}

void directory_close(struct directory *directory)
{
    if (directory->fd >= 0)
        close(directory->fd);
    if (directory->listener >= 0)
        close(directory->listener);
    frame_stream_free(&directory->input);
    message_encoder_free(directory->encoder);
    *directory = (struct directory){.listener = -1, .fd = -1};
}

static bool readable(int fd, int timeout_ms)
{
    struct pollfd look = {.fd = fd, .events = POLLIN};
    for (; !bench_stopped(); timeout_ms -= LOOK_MS) {
        if (poll(&look, 1, timeout_ms < LOOK_MS ? timeout_ms : LOOK_MS) > 0)
            return true;
        if (timeout_ms <= LOOK_MS)
            break;
    }
    return false;
}

bool directory_accept(struct directory *directory)
{
    int yes = 1;
    if (readable(directory->listener, ACCEPT_MS))
        directory->fd = accept4(directory->listener, NULL, NULL, SOCK_CLOEXEC);
    if (directory->fd >= 0 && setsockopt(directory->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) == 0)
        return true;
    if (!bench_stopped())
        warnx("the fetcher does not connect");
    return false;
}

static bool receive(struct directory *directory, int timeout_ms)
{
    uint8_t bytes[65536];
    if (!readable(directory->fd, timeout_ms))
        return false;
    ssize_t size = recv(directory->fd, bytes, sizeof(bytes), 0);
    return size > 0 && frame_stream_append(&directory->input, bytes, (size_t)size) == 0;
}

bool directory_take(struct directory *directory, int timeout_ms, uint32_t *route)
{
    struct frame frame;
    struct route_key key;
    while (frame_stream_next(&directory->input, &frame) != FRAME_OK)
        if (!directory_flush(directory) || !receive(directory, timeout_ms))
            return false;
    if (message_decode_request(frame.body, frame.length, &key) != 0)
        return false;
    *route = world_route(key.modid, key.cmdid);
    return true;
}

bool directory_flush(struct directory *directory)
{
    uint32_t sent = 0;
    while (sent < directory->used && !bench_stopped()) {
        ssize_t size = send(directory->fd, directory->output + sent, directory->used - sent, MSG_NOSIGNAL);
        if (size < 0 && errno != EINTR)
            return false;
        sent += size > 0 ? (uint32_t)size : 0;
    }
    directory->used = 0;
    return !bench_stopped();
}

bool directory_answer(struct directory *directory, uint32_t route, uint32_t hosts, uint32_t shift)
{
    static struct host_addr table[HOSTS_MAX];
    const struct route_key key = {world_modid(route), world_cmdid(route)};
    size_t sent;
    for (uint32_t i = 0; i < hosts; i++) {
        struct host_addr host = world_host(route, i + shift);
        table[i] = host;
    }
    if (directory->used >= DIRECTORY_OUTPUT && !directory_flush(directory))
        return false;
    uint8_t *frame = directory->output + directory->used;
    uint32_t length =
        message_encode_response(directory->encoder, key, table, hosts, frame + FRAME_HEADER, &sent);
    frame_header(frame, MESSAGE_GET_ROUTE_RESPONSE, length);
    directory->used += FRAME_HEADER + length;
    return true;
}

uint32_t directory_serve(struct directory *directory, uint32_t hosts, int quiet_ms)
{
    uint32_t count = 0, route;
    while (directory_take(directory, quiet_ms, &route) && directory_answer(directory, route, hosts, 0))
        count++;
    return count;
}
