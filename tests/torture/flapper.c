/* SPDX-License-Identifier: MIT */
/* The directory of the torture: every route that was requested changes again and again. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lars.pb-c.h"
#include "proto/frame.h"
#include "shm/clock.h"
#include "tests/torture/results.h"
#include "tests/torture/torture.h"

enum {
    HOSTS_MOST = 1024
};

struct flapper {
    struct torture *torture;
    int listener, fd;
    struct frame_stream input;
    uint32_t requested[ROUTES_MAX]; /* keys that this connection requested */
    bool is_asked[ROUTES_MAX];
    uint32_t count, next;
    uint32_t round;
};

static void hang_up(struct flapper *flapper)
{
    close(flapper->fd);
    flapper->fd = -1;
    frame_stream_free(&flapper->input);
    memset(flapper->is_asked, 0, sizeof(flapper->is_asked));
    flapper->count = flapper->next = 0;
}

static bool send_all(struct flapper *flapper, const uint8_t *bytes, size_t size)
{
    while (size) {
        ssize_t sent = send(flapper->fd, bytes, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        bytes += sent;
        size -= (size_t)sent;
    }
    return true;
}

/* Answers route k with its table of the present round; a calm one always with that of round 0. */
static bool answer(struct flapper *flapper, int32_t modid, uint32_t k)
{
    uint32_t round = modid == CALM_MODID ? 0 : flapper->round;
    static Lars__HostInfo infos[HOSTS_MOST];
    static Lars__HostInfo *pointers[HOSTS_MOST];
    static uint8_t bytes[FRAME_MAX];
    Lars__GetRouteResponse response = LARS__GET_ROUTE_RESPONSE__INIT;
    response.modid = modid;
    response.cmdid = (int32_t)k;
    response.n_host = self_checking_count(k, round);
    response.host = pointers;
    for (uint32_t i = 0; i < response.n_host; i++) {
        infos[i] = (Lars__HostInfo)LARS__HOST_INFO__INIT;
        infos[i].ip = (int32_t)self_checking_address(k, round);
        infos[i].port = (int32_t)(self_checking_base(k, round) + i);
        pointers[i] = &infos[i];
    }
    size_t size = lars__get_route_response__pack(&response, bytes + FRAME_HEADER);
    frame_header(bytes, 2, (uint32_t)size);
    return send_all(flapper, bytes, FRAME_HEADER + size);
}

static bool take_request(struct flapper *flapper, const struct frame *frame)
{
    Lars__GetRouteRequest *request = lars__get_route_request__unpack(NULL, frame->length, frame->body);
    if (!request)
        return false;
    uint32_t k = (uint32_t)request->cmdid;
    if (request->modid == TORTURE_MODID && k < ROUTES_MAX && !flapper->is_asked[k]) {
        flapper->is_asked[k] = true;
        flapper->requested[flapper->count++] = k;
    }
    bool sent = answer(flapper, request->modid, k % ROUTES_MAX);
    lars__get_route_request__free_unpacked(request, NULL);
    return sent;
}

static void take_requests(struct flapper *flapper)
{
    uint8_t bytes[65536];
    struct frame frame;
    ssize_t size = recv(flapper->fd, bytes, sizeof(bytes), 0);
    bool well = size > 0 && frame_stream_append(&flapper->input, bytes, (size_t)size) == 0;
    while (well && frame_stream_next(&flapper->input, &frame) == FRAME_OK)
        well = take_request(flapper, &frame);
    if (!well)
        hang_up(flapper);
}

/* Half of the pushes go to the routes that were requested first: those are the hot ones. */
static void push(struct flapper *flapper, uint32_t number)
{
    for (uint32_t i = 0; i < number && flapper->count && flapper->fd >= 0; i++) {
        uint32_t at = flapper->next++;
        uint32_t k = flapper->requested[at % (at % 2 && flapper->count > 64 ? 64 : flapper->count)];
        flapper->round++;
        if (answer(flapper, TORTURE_MODID, k))
            atomic_fetch_add(&flapper->torture->pushes, 1);
        else
            hang_up(flapper);
    }
}

void flapper_run(struct torture *torture)
{
    static struct flapper flapper;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);
    flapper.torture = torture;
    flapper.fd = -1;
    flapper.listener = socket(AF_INET, SOCK_STREAM, 0);
    if (flapper.listener < 0 || bind(flapper.listener, (struct sockaddr *)&address, size) != 0 ||
        listen(flapper.listener, 4) != 0 ||
        getsockname(flapper.listener, (struct sockaddr *)&address, &size) != 0)
        abort();
    atomic_store(&torture->port, ntohs(address.sin_port));

    uint64_t pushed_until = clock_tick();
    for (;;) {
        struct pollfd wait[] = {{flapper.listener, POLLIN, 0}, {flapper.fd, POLLIN, 0}};
        poll(wait, 2, 2);
        if (wait[0].revents) {
            if (flapper.fd >= 0)
                hang_up(&flapper);
            flapper.fd = accept(flapper.listener, NULL, NULL);
        } else if (flapper.fd >= 0 && wait[1].revents) {
            take_requests(&flapper);
        }
        uint64_t now = clock_tick();
        push(&flapper, (uint32_t)((now - pushed_until) * atomic_load(&torture->rate) / 1000));
        pushed_until = now;
    }
}
