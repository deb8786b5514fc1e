/* SPDX-License-Identifier: MIT */
/*
 * A private instance, with routes that anybody can check: host j of route i is 10.x.y.z with i in the low 24 bits, port
 * 1024 + j. And the order in which routes are looked up: random, longer than caches remember, the same for all.
 */
#ifndef TOOLS_BENCH_WORLD_H
#define TOOLS_BENCH_WORLD_H

#include <arpa/inet.h>
#include <larshm/larshm.h>
#include <stdbool.h>
#include <stdint.h>

#include "shm/layout.h"
#include "shm/names.h"
#include "shm/writer/writer.h"

enum {
    WORLD_PORT = 1024,
    ORDER_LENGTH = 1 << 20, /* a power of two */
    ORDER_MASK = ORDER_LENGTH - 1,
    NEVER_S = 65535, /* a time to live that no measurement sees the end of */
};

struct world_shape {
    uint32_t routes, hosts; /* hosts of each */
    uint32_t ttl_s;
};

struct world {
    struct world_shape shape;
    char instance[INSTANCE_MAX + 1];
    struct object_names names;
    struct writer *writer;
    larshm *reader;
    uint32_t *order; /* [ORDER_LENGTH] route numbers */
    uint64_t bytes;  /* that lookups may touch: the index and the tables */
};

/* Publishes all routes and opens a reader. False: stderr says why, or bench_stopped(). */
bool world_open(struct world *world, const struct world_shape *shape);

/* Lets everything go, and removes the objects. A zeroed world is fine. */
void world_close(struct world *world);

/* Lets its writer go, so that a fetcher can take the instance over. */
void world_release(struct world *world);

/* A writer that has the limits of a fetcher with a large configuration. False: stderr says why. */
bool world_writer(const char *instance, struct writer **out);

/* A name that no other instance has, for world_writer(). */
void world_name(char out[static INSTANCE_MAX + 1]);

/* Removes the objects of an instance whose writer is gone. */
void world_remove(const char *instance);

/* Publishes `hosts` hosts for route number `route`, `shift` ports higher than usual. */
bool world_put(struct writer *writer, uint32_t route, uint32_t hosts, uint32_t shift, uint32_t ttl_s);

static inline uint32_t world_modid(uint32_t route)
{
    return 1 + route / 1024;
}

static inline uint32_t world_cmdid(uint32_t route)
{
    return route % 1024;
}

static inline uint32_t world_route(uint32_t modid, uint32_t cmdid)
{
    return (modid - 1) * 1024 + cmdid;
}

static inline struct route_key world_key(uint32_t route)
{
    return route_key(world_modid(route), world_cmdid(route));
}

static inline struct host_addr world_host(uint32_t route, uint32_t host)
{
    return (struct host_addr){htonl(UINT32_C(10) << 24 | route), htons((uint16_t)(WORLD_PORT + host))};
}

/* True if it is one of the route's first `hosts` hosts. */
static inline bool world_owns(uint32_t route, uint32_t hosts, const larshm_host *host)
{
    uint32_t number = ntohs(host->port) - (uint32_t)WORLD_PORT;
    return host->addr == world_host(route, 0).address && number < hosts &&
           host->modid == world_modid(route) && host->cmdid == world_cmdid(route);
}

/* A sequence of numbers without a pattern, for orders and permutations. */
static inline uint64_t next_random(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    return hash_word(*state, 0);
}

#endif
