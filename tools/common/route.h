/* SPDX-License-Identifier: MIT */
/* What a directory is about: a key names a route, and a route is a set of hosts. */
#ifndef COMMON_ROUTE_H
#define COMMON_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/route_key.h"

/* No answer can carry more hosts: each takes at least 6 of a frame's 65527 bytes. */
enum {
    ROUTE_HOSTS_MAX = 65527 / 6,
};

#define ROUTE_KEY_RESERVED                                                                                   \
    "route 4294967295 4294967295 cannot be looked up: larshm reserves this key for itself; choose another"

struct route_host {
    uint32_t ip;   /* host order: 10.0.0.1 = 167772161; never 0 */
    uint16_t port; /* never 0 */
};

static inline uint64_t route_key_pack(struct route_key key)
{
    return (uint64_t)key.modid << 32 | key.cmdid;
}

#endif
