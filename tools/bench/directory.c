/* SPDX-License-Identifier: MIT */
#include "tools/bench/directory.h"

#include <err.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/bench/bench.h"
#include "tools/bench/fixture.h"
#include "tools/bench/loopback.h"
#include "tools/dns/message.h"

enum {
    ACCEPT_MS = 30000,
    POLL_MS = 100, /* between two checks of bench_stopped() */
};

bool directory_open(struct directory *directory)
{
    *directory = (struct directory){.fd = -1};
    directory->listener = loopback_bind(SOCK_STREAM, &directory->port);
    if (directory->listener >= 0 && listen(directory->listener, 1) == 0)
        return true;
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
    *directory = (struct directory){.listener = -1, .fd = -1};
}

static bool readable(int fd, int timeout_ms)
{
    for (; !bench_stopped(); timeout_ms -= POLL_MS) {
        if (loopback_readable(fd, timeout_ms < POLL_MS ? timeout_ms : POLL_MS))
            return true;
        if (timeout_ms <= POLL_MS)
            break;
    }
    return false;
}

bool directory_accept(struct directory *directory)
{
    if (readable(directory->listener, ACCEPT_MS))
        directory->fd = loopback_accept(directory->listener, 0);
    if (directory->fd < 0 && !bench_stopped())
        warnx("the fetcher does not connect");
    return directory->fd >= 0;
}

bool directory_take(struct directory *directory, int timeout_ms, uint32_t *route)
{
    struct frame frame;
    struct route_key key;
    uint32_t max_frame;
    while (frame_stream_next(&directory->input, &frame) != FRAME_OK)
        if (!directory_flush(directory) || !readable(directory->fd, timeout_ms) ||
            loopback_receive(directory->fd, &directory->input) <= 0)
            return false;
    if (message_decode_request(frame.body, frame.length, &key, &max_frame) != 0)
        return false;
    *route = fixture_route(key.modid, key.cmdid);
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
    const struct route_key key = {fixture_modid(route), fixture_cmdid(route)};
    for (uint32_t i = 0; i < hosts; i++) {
        table[i] = fixture_host(route, i + shift);
    }
    if (directory->used >= DIRECTORY_OUTPUT && !directory_flush(directory))
        return false;
    uint8_t *frame = directory->output + directory->used;
    uint32_t length = message_encode_response(key, table, hosts, frame + FRAME_HEADER);
    length += message_encode_version(1, frame + FRAME_HEADER + length);
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
