/* SPDX-License-Identifier: MIT */
/* Many connections to one directory, as many fetchers would have them. */
#ifndef TOOLS_BENCH_CONNECTIONS_H
#define TOOLS_BENCH_CONNECTIONS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct connections {
    uint32_t size;
    struct connection *all; /* [size] */
    struct answer *answer;  /* decoded last */
    int epoll;
};

/* When answers came, and how much. */
struct arrivals {
    uint64_t first_ns, last_ns; /* clock_ns() */
    uint64_t bytes;
};

/* Connects them all. False: said on stderr. Close them in any case. */
bool connections_open(struct connections *connections, uint32_t size, in_port_t port);
void connections_close(struct connections *connections);

/* Each requests route 0, and `more` others of 1 to `routes` - 1. False: said on stderr. */
bool connections_request(const struct connections *connections, uint32_t more, uint32_t routes);

/* Waits for `answers` answers; for route 0, with so many hosts. False: said on stderr, or bench_stopped(). */
bool connections_receive(struct connections *connections, uint64_t answers, uint32_t hosts,
                         struct arrivals *arrivals);

#endif
