/* SPDX-License-Identifier: MIT */
/* A process that sends each datagram back where it came from: one recvfrom(), one sendto(), again. */
#ifndef TOOLS_BENCH_ECHO_H
#define TOOLS_BENCH_ECHO_H

#include <netinet/in.h>

#include "tools/bench/bench.h"

/* Starts it on a port of loopback that the kernel chooses. Returns what child_end() takes; -1: said on stderr. */
int echo_start(const struct bench *bench, struct sockaddr_in *address);

/* A UDP socket that talks to `address`, where a receive gives up after two seconds. -1: said on stderr. */
int echo_client(const struct sockaddr_in *address);

#endif
