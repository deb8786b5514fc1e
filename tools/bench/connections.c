/* SPDX-License-Identifier: MIT */
#include "tools/bench/connections.h"

#include <err.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fetcher/decode.h"
#include "tools/bench/bench.h"
#include "tools/bench/fixture.h"
#include "tools/bench/loopback.h"
#include "tools/bench/timing.h"

enum {
    EVENTS = 256,
    POLL_MS = 100,
    SILENCE_MS = 20000,
};

struct connection {
    int fd; /* -1: none */
    struct frame_stream input;
};

static bool connect_all(struct connections *connections, in_port_t port)
{
    for (uint32_t i = 0; i < connections->size; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
        connections->all[i].fd = loopback_connect(SOCK_STREAM, port);
        if (bench_stopped())
            return false;
        if (connections->all[i].fd < 0 ||
            epoll_ctl(connections->epoll, EPOLL_CTL_ADD, connections->all[i].fd, &event) != 0) {
            warn("connection %u of %u to the directory", i + 1, connections->size);
            return false;
        }
    }
    return true;
}

bool connections_open(struct connections *connections, uint32_t size, in_port_t port)
{
    *connections = (struct connections){.size = size,
                                        .epoll = epoll_create1(EPOLL_CLOEXEC),
                                        .all = calloc(size, sizeof(struct connection)),
                                        .answer = malloc(sizeof(struct answer))};
    for (uint32_t i = 0; connections->all && i < size; i++)
        connections->all[i].fd = -1;
    if (connections->epoll >= 0 && connections->all && connections->answer)
        return connect_all(connections, port);
    warn("memory for %u connections", size);
    return false;
}

void connections_close(struct connections *connections)
{
    for (uint32_t i = 0; connections->all && i < connections->size; i++) {
        frame_stream_free(&connections->all[i].input);
        if (connections->all[i].fd >= 0)
            close(connections->all[i].fd);
    }
    if (connections->epoll >= 0)
        close(connections->epoll);
    free(connections->all);
    free(connections->answer);
    *connections = (struct connections){.epoll = -1};
}

static bool request(const struct connection *connection, uint32_t route)
{
    uint8_t frame[REQUEST_MAX];
    size_t size = encode_request(fixture_key(route), 0, frame);
    return send(connection->fd, frame, size, MSG_NOSIGNAL) == (ssize_t)size;
}

bool connections_request(const struct connections *connections, uint32_t more, uint32_t routes)
{
    uint32_t next = 0;
    for (uint32_t i = 0; i < connections->size; i++) {
        bool done = request(&connections->all[i], 0);
        for (uint32_t j = 0; j < more && done; j++)
            done = request(&connections->all[i], 1 + next++ % (routes - 1));
        if (!done) {
            if (!bench_stopped())
                warn("cannot send a request to the directory");
            return false;
        }
    }
    return true;
}

/* Receives what has come for one of them; *count is lowered by the answers in it. */
static bool receive(struct connections *connections, struct connection *connection, uint32_t hosts,
                    uint64_t *count, uint64_t *bytes)
{
    struct frame frame;
    ssize_t size = loopback_receive(connection->fd, &connection->input);
    if (size <= 0)
        return false;
    *bytes += (uint64_t)size;
    while (frame_stream_next(&connection->input, &frame) == FRAME_OK) {
        if (frame.id != MESSAGE_GET_ROUTE_RESPONSE ||
            decode_answer(frame.body, frame.length, connections->answer) != 0 ||
            (route_key_equal(connections->answer->key, fixture_key(0)) &&
             connections->answer->count != hosts))
            return false;
        *count -= *count > 0;
    }
    return true;
}

bool connections_receive(struct connections *connections, uint64_t answers, uint32_t hosts,
                         struct arrivals *arrivals)
{
    struct epoll_event events[EVENTS];
    int silent_ms = 0;
    *arrivals = (struct arrivals){0};
    while (answers > 0 && silent_ms < SILENCE_MS && !bench_stopped()) {
        int ready = epoll_wait(connections->epoll, events, EVENTS, POLL_MS);
        silent_ms = ready > 0 ? 0 : silent_ms + POLL_MS;
        if (ready > 0 && arrivals->first_ns == 0)
            arrivals->first_ns = clock_ns();
        for (int i = 0; i < ready; i++)
            if (!receive(connections, &connections->all[events[i].data.u32], hosts, &answers,
                         &arrivals->bytes)) {
                warnx("the directory closed a connection, or its answer is wrong");
                return false;
            }
    }
    arrivals->last_ns = clock_ns();
    if (answers > 0 && !bench_stopped())
        warnx("%llu answers of the directory did not come", (unsigned long long)answers);
    return answers == 0;
}
