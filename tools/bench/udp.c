/* SPDX-License-Identifier: MIT */
#include "tools/bench/udp.h"

#include <err.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "tools/bench/child.h"
#include "tools/bench/loopback.h"

enum {
    LOST_S = 2, /* a datagram that is not back after so long is lost */
};

static void echo(const struct bench *bench, void *context)
{
    const int *socket = context;
    struct sockaddr_in from;
    uint8_t datagram[2048];
    (void)bench;
    for (;;) {
        socklen_t length = sizeof(from);
        ssize_t size = recvfrom(*socket, datagram, sizeof(datagram), 0, (struct sockaddr *)&from, &length);
        if (size > 0)
            sendto(*socket, datagram, (size_t)size, 0, (struct sockaddr *)&from, length);
    }
}

int echo_start(const struct bench *bench, in_port_t *port)
{
    *port = 0;
    int fd = loopback_bind(SOCK_DGRAM, port), child = -1;
    if (fd < 0) {
        warn("UDP on loopback");
        return -1;
    }
    child = bench_fork(bench, echo, &fd);
    close(fd);
    return child;
}

int udp_client(in_port_t port)
{
    const struct timeval lost = {.tv_sec = LOST_S};
    int fd = loopback_connect(SOCK_DGRAM, port);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &lost, sizeof(lost)) == 0)
        return fd;
    warn("UDP on loopback");
    if (fd >= 0)
        close(fd);
    return -1;
}

/* As long as the datagrams of a Lars get_host. */
struct datagram {
    uint32_t sequence;
    uint32_t rest[5];
};

bool peer_udp_open(struct peer_udp *peer, const struct bench *bench)
{
    in_port_t port;
    *peer = (struct peer_udp){.socket = -1};
    peer->child = echo_start(bench, &port);
    if (peer->child > 0)
        peer->socket = udp_client(port);
    return peer->socket >= 0;
}

void peer_udp_close(struct peer_udp *peer)
{
    child_end(peer->child);
    if (peer->socket >= 0)
        close(peer->socket);
    *peer = (struct peer_udp){.socket = -1};
}

bool peer_udp_run(void *context, uint32_t calls)
{
    struct peer_udp *peer = context;
    for (uint32_t i = 0; i < calls; i++) {
        const struct datagram request = {.sequence = ++peer->sequence};
        struct datagram answer;
        if (send(peer->socket, &request, sizeof(request), 0) != sizeof(request) ||
            recv(peer->socket, &answer, sizeof(answer), 0) != sizeof(answer) ||
            answer.sequence != request.sequence)
            return false;
    }
    return true;
}

bool peer_udp_check(void *peer)
{
    return peer_udp_run(peer, 1);
}
