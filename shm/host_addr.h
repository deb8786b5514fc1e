/* SPDX-License-Identifier: MIT */
/* The address of a host, and its forms in shared memory: a part of the layout. */
#ifndef SHM_HOST_ADDR_H
#define SHM_HOST_ADDR_H

#include <arpa/inet.h>
#include <stdint.h>

#include "shm/route_key.h"

struct host_addr {
    uint32_t address; /* IPv4, network byte order */
    uint16_t port;    /* network byte order */
};

/* No host. In the host store it names a route's own record. */
#define HOST_ADDR_NONE ((struct host_addr){0, 0})

/* As call cells and records hold a host; never 0 for one that can be connected to. */
static inline uint64_t host_addr_word(struct host_addr host)
{
    return (uint64_t)host.address << 32 | host.port;
}

static inline struct host_addr host_addr_from_word(uint64_t word)
{
    return (struct host_addr){(uint32_t)(word >> 32), (uint16_t)word};
}

static inline bool host_addr_equal(struct host_addr a, struct host_addr b)
{
    return host_addr_word(a) == host_addr_word(b);
}

static inline bool host_addr_is_none(struct host_addr host)
{
    return host_addr_word(host) == 0;
}

/* Hosts of a table are in the order of these numbers: by address, then by port. */
static inline uint64_t host_addr_order(struct host_addr host)
{
    return (uint64_t)ntohl(host.address) << 16 | ntohs(host.port);
}

/* Spreads the hosts of a route over call cells and records. */
static inline uint64_t host_addr_hash(struct route_key key, struct host_addr host, uint64_t seed)
{
    return hash_word(route_key_number(key) ^ host_addr_word(host) * UINT64_C(0xff51afd7ed558ccd), seed);
}

#endif
