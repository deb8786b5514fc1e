/* SPDX-License-Identifier: MIT */
/* A host as answers bring it and tables hold it: between the decoder and shared memory. */
#ifndef SHM_HOST_H
#define SHM_HOST_H

#include <arpa/inet.h>
#include <stdint.h>

struct host {
    uint32_t address; /* IPv4, network byte order */
    uint16_t port;    /* network byte order */
};

/* The order of hosts in a table: by address, then by port. */
static inline uint64_t host_number(struct host host)
{
    return (uint64_t)ntohl(host.address) << 16 | ntohs(host.port);
}

#endif
