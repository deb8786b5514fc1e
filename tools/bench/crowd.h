/* SPDX-License-Identifier: MIT */
/* Many connections to one directory, as many fetchers would have them. */
#ifndef TOOLS_BENCH_CROWD_H
#define TOOLS_BENCH_CROWD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct member;
struct answer;

struct crowd {
    uint32_t size;
    struct member *members; /* [size] */
    struct answer *answer;  /* decoded last */
    int epoll;
};

/* What came in answers. */
struct crowd_news {
    uint64_t first_ns, last_ns; /* clock_ns() */
    uint64_t bytes;
};

/* Connects them all. False: said on stderr. Close it in any case. */
bool crowd_open(struct crowd *crowd, uint32_t size, in_port_t port);
void crowd_close(struct crowd *crowd);

/* Each asks for route 0, and for `more` others of 1 to `routes` - 1. False: said on stderr. */
bool crowd_ask(const struct crowd *crowd, uint32_t more, uint32_t routes);

/* Waits for `answers` answers; for route 0, with so many hosts. False: said on stderr, or bench_stopped(). */
bool crowd_hear(struct crowd *crowd, uint64_t answers, uint32_t hosts, struct crowd_news *news);

#endif
