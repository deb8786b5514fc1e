/* SPDX-License-Identifier: MIT */
/* What a fetcher knows of hosts, read from its hosts object as anyone may. */
#ifndef TESTS_SUPPORT_HOST_HEALTH_H
#define TESTS_SUPPORT_HOST_HEALTH_H

#include <stdbool.h>

#include "shm/host_records.h"
#include "tests/support/fetcher.h"

/* 10.0.0.last:port, as records name it. */
struct host_addr host_health_host(int last, int port);

/* HOST_ADDR_NONE: the route's own. False, and all zero: there is no record. */
bool host_health_read(const struct fetcher *fetcher, struct route_key key, struct host_addr host,
                      struct host_health *out);

/* Results of calls that count for a route: of its hosts, of those that have left it, and of any others. */
struct calls {
    uint64_t succ, err;
};
struct calls host_health_sum(const struct fetcher *fetcher, struct route_key key);

/* Records of the route's hosts, the route's own not among them. */
uint32_t host_health_count(const struct fetcher *fetcher, struct route_key key);

#endif
