/* SPDX-License-Identifier: MIT */
/* The floor of every design with an agent: one datagram to another process on loopback, and one back. No lookup. */
#ifndef TOOLS_BENCH_PEER_UDP_H
#define TOOLS_BENCH_PEER_UDP_H

#include "tools/bench/bench.h"

struct peer_udp {
    int socket;
    int child; /* the process at the other end */
    uint32_t sequence;
};

/* False: said on stderr. Close it in any case. */
bool peer_udp_open(struct peer_udp *peer, const struct bench *bench);
void peer_udp_close(struct peer_udp *peer);

/* A contender of race(). */
bool peer_udp_check(void *peer);
bool peer_udp_run(void *peer, uint32_t calls);

#endif
