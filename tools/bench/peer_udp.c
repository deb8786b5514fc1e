/* SPDX-License-Identifier: MIT */
#include "tools/bench/peer_udp.h"

#include <sys/socket.h>
#include <unistd.h>

#include "tools/bench/child.h"
#include "tools/bench/echo.h"

/* As long as the datagrams of a Lars get_host. */
struct datagram {
    uint32_t sequence;
    uint32_t rest[5];
};

bool peer_udp_open(struct peer_udp *peer, const struct bench *bench)
{
    struct sockaddr_in address;
    *peer = (struct peer_udp){.socket = -1};
    peer->child = echo_start(bench, &address);
    if (peer->child > 0)
        peer->socket = echo_client(&address);
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
        const struct datagram asked = {.sequence = ++peer->sequence};
        struct datagram answer;
        if (send(peer->socket, &asked, sizeof(asked), 0) != sizeof(asked) ||
            recv(peer->socket, &answer, sizeof(answer), 0) != sizeof(answer) ||
            answer.sequence != asked.sequence)
            return false;
    }
    return true;
}

bool peer_udp_check(void *peer)
{
    return peer_udp_run(peer, 1);
}
