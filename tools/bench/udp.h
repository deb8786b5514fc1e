/* SPDX-License-Identifier: MIT */
/* Datagrams on loopback: a process that echoes them, and a round trip to it as a peer of lookups. */
#ifndef TOOLS_BENCH_UDP_H
#define TOOLS_BENCH_UDP_H

#include <netinet/in.h>

#include "tools/bench/bench.h"

/*
 * Starts a process that sends each datagram back: recvfrom(), sendto(), again. The kernel chooses its port. Returns what
 * child_end() takes; -1: said on stderr.
 */
int echo_start(const struct bench *bench, in_port_t *port);

/* A socket that talks to the port of loopback; a receive gives up after two seconds. -1: said on stderr. */
int udp_client(in_port_t port);

/* The least that a design with an agent costs: one datagram to another process and one back. No lookup. */
struct peer_udp {
    int socket;
    int child; /* the echo process */
    uint32_t sequence;
};

/* False: said on stderr. Close it in any case. */
bool peer_udp_open(struct peer_udp *peer, const struct bench *bench);
void peer_udp_close(struct peer_udp *peer);

/* For a struct benchmark. */
bool peer_udp_check(void *peer);
bool peer_udp_run(void *peer, uint32_t calls);

#endif
