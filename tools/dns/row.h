/* SPDX-License-Identifier: MIT */
/* A row of RouteData: a host of a route. */
#ifndef TOOLS_DNS_ROW_H
#define TOOLS_DNS_ROW_H

#include "shm/host_addr.h"

struct row {
    struct route_key key;
    struct host_addr host;
};

/* Rows are in the order of key, address and port. For qsort() and bsearch(). */
static inline int row_compare(const void *one, const void *other)
{
    const struct row *a = one, *b = other;
    uint64_t keys[] = {route_key_number(a->key), route_key_number(b->key)};
    uint64_t hosts[] = {host_addr_order(a->host), host_addr_order(b->host)};
    if (keys[0] != keys[1])
        return keys[0] < keys[1] ? -1 : 1;
    return (hosts[0] > hosts[1]) - (hosts[0] < hosts[1]);
}

#endif
