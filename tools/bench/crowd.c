/* SPDX-License-Identifier: MIT */
#include "tools/bench/crowd.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fetcher/decode.h"
#include "tools/bench/bench.h"
#include "tools/bench/stamp.h"
#include "tools/bench/world.h"

enum {
    EVENTS = 256,
    LOOK_MS = 100,
    SILENCE_MS = 20000,
};

struct member {
    int fd; /* -1: none */
    struct frame_stream input;
};

static int connect_to(in_port_t port)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool open_members(struct crowd *crowd, in_port_t port)
{
    for (uint32_t i = 0; i < crowd->size; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
        crowd->members[i].fd = connect_to(port);
        if (bench_stopped())
            return false;
        if (crowd->members[i].fd < 0 ||
            epoll_ctl(crowd->epoll, EPOLL_CTL_ADD, crowd->members[i].fd, &event) != 0) {
            warn("connection %u of %u to the directory", i + 1, crowd->size);
            return false;
        }
    }
    return true;
}

bool crowd_open(struct crowd *crowd, uint32_t size, in_port_t port)
{
    *crowd = (struct crowd){.size = size,
                            .epoll = epoll_create1(EPOLL_CLOEXEC),
                            .members = calloc(size, sizeof(struct member)),
                            .answer = malloc(sizeof(struct answer))};
    for (uint32_t i = 0; crowd->members && i < size; i++)
        crowd->members[i].fd = -1;
    if (crowd->epoll >= 0 && crowd->members && crowd->answer)
        return open_members(crowd, port);
    warn("memory for %u connections", size);
    return false;
}

void crowd_close(struct crowd *crowd)
{
    for (uint32_t i = 0; crowd->members && i < crowd->size; i++) {
        frame_stream_free(&crowd->members[i].input);
        if (crowd->members[i].fd >= 0)
            close(crowd->members[i].fd);
    }
    if (crowd->epoll >= 0)
        close(crowd->epoll);
    free(crowd->members);
    free(crowd->answer);
    *crowd = (struct crowd){.epoll = -1};
}

static bool ask(const struct member *member, uint32_t route)
{
    uint8_t request[REQUEST_MAX];
    size_t size = encode_request(world_key(route), request);
    return send(member->fd, request, size, MSG_NOSIGNAL) == (ssize_t)size;
}

bool crowd_ask(const struct crowd *crowd, uint32_t more, uint32_t routes)
{
    uint32_t next = 0;
    for (uint32_t i = 0; i < crowd->size; i++) {
        bool done = ask(&crowd->members[i], 0);
        for (uint32_t j = 0; j < more && done; j++)
            done = ask(&crowd->members[i], 1 + next++ % (routes - 1));
        if (!done) {
            if (!bench_stopped())
                warn("the directory cannot be asked");
            return false;
        }
    }
    return true;
}

/* Takes what has come for one of them; *count is lowered by the answers in it. */
static bool receive(struct crowd *crowd, struct member *member, uint32_t hosts, uint64_t *count,
                    uint64_t *bytes)
{
    uint8_t data[65536];
    struct frame frame;
    ssize_t size = recv(member->fd, data, sizeof(data), MSG_DONTWAIT);
    if (size <= 0 || frame_stream_append(&member->input, data, (size_t)size) != 0)
        return false;
    *bytes += (uint64_t)size;
    while (frame_stream_next(&member->input, &frame) == FRAME_OK) {
        if (frame.id != MESSAGE_GET_ROUTE_RESPONSE ||
            decode_answer(frame.body, frame.length, crowd->answer) != 0 ||
            (route_key_equal(crowd->answer->key, world_key(0)) && crowd->answer->count != hosts))
            return false;
        *count -= *count > 0;
    }
    return true;
}

bool crowd_hear(struct crowd *crowd, uint64_t answers, uint32_t hosts, struct crowd_news *news)
{
    struct epoll_event events[EVENTS];
    int silent_ms = 0;
    *news = (struct crowd_news){0};
    while (answers > 0 && silent_ms < SILENCE_MS && !bench_stopped()) {
        int ready = epoll_wait(crowd->epoll, events, EVENTS, LOOK_MS);
        silent_ms = ready > 0 ? 0 : silent_ms + LOOK_MS;
        if (ready > 0 && news->first_ns == 0)
            news->first_ns = clock_ns();
        for (int i = 0; i < ready; i++)
            if (!receive(crowd, &crowd->members[events[i].data.u32], hosts, &answers, &news->bytes)) {
                warnx("the directory ends a connection, or its answer is wrong");
                return false;
            }
    }
    news->last_ns = clock_ns();
    if (answers > 0 && !bench_stopped())
        warnx("the directory still owes %llu answers", (unsigned long long)answers);
    return answers == 0;
}
