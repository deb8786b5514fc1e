/* SPDX-License-Identifier: MIT */
/*
 * A private instance with routes that check themselves: host j of route i is 10.x.y.z with i in the low 24 bits, port
 * 1024 + j. And the sequence in which routes are looked up, the same for all peers.
 */
#ifndef TOOLS_BENCH_FIXTURE_H
#define TOOLS_BENCH_FIXTURE_H

#include <arpa/inet.h>
#include <larshm/larshm.h>
#include <stdbool.h>
#include <stdint.h>

#include "shm/layout.h"
#include "shm/names.h"
#include "shm/writer/writer.h"
#include "tools/bench/library.h"
#include "tools/bench/sequence.h"

enum {
    FIXTURE_PORT = 1024,
    NEVER_S = 65535, /* a time to live longer than any measurement */
};

struct fixture_shape {
    uint32_t routes, hosts; /* hosts of each */
    uint32_t ttl_s;
    bool zipf; /* a few of the routes are most of the sequence */
};

struct fixture {
    struct fixture_shape shape;
    char instance[INSTANCE_MAX + 1];
    struct object_names names;
    struct writer *writer;
    const struct library *library; /* that has opened `reader` */
    larshm *reader;
    uint32_t *sequence; /* [SEQUENCE_LENGTH] route numbers */
    uint64_t bytes;     /* of fixture_measure(): the index and the tables */
};

/* Its name, its sequence and the library that will look up. False: stderr says why. Close it in any case. */
bool fixture_prepare(struct fixture *fixture, const struct fixture_shape *shape,
                     const struct library *library);

/* Opens the reader. False: likewise. */
bool fixture_attach(struct fixture *fixture);

/* How many bytes lookups may touch, in an instance of this layout. False: stderr says why. */
bool fixture_measure(struct fixture *fixture);

/* Publishes all routes and opens a reader of our own library. False: stderr says why, or bench_stopped(). */
bool fixture_open(struct fixture *fixture, const struct fixture_shape *shape);

/* Closes reader and writer, and removes the objects. A zeroed fixture is fine. */
void fixture_close(struct fixture *fixture);

/* Closes its writer, so that a fetcher can adopt the instance. */
void fixture_release(struct fixture *fixture);

/* A writer that has the limits of a fetcher with a large configuration. False: stderr says why. */
bool fixture_writer(const char *instance, struct writer **out);

/* A name that no other instance has, for fixture_writer(). */
void fixture_name(char out[static INSTANCE_MAX + 1]);

/* Removes the objects of an instance whose writer has ended. Nothing for an empty name. */
void fixture_remove(const char *instance);

/* Publishes `hosts` hosts for route number `route`, `shift` ports higher than usual. */
bool fixture_put(struct writer *writer, uint32_t route, uint32_t hosts, uint32_t shift, uint32_t ttl_s);

/* Until all that was published is in an object that has room for more. */
void fixture_settle(struct writer *writer);

static inline uint32_t fixture_modid(uint32_t route)
{
    return 1 + route / 1024;
}

static inline uint32_t fixture_cmdid(uint32_t route)
{
    return route % 1024;
}

static inline uint32_t fixture_route(uint32_t modid, uint32_t cmdid)
{
    return (modid - 1) * 1024 + cmdid;
}

static inline struct route_key fixture_key(uint32_t route)
{
    return route_key(fixture_modid(route), fixture_cmdid(route));
}

static inline struct host_addr fixture_host(uint32_t route, uint32_t host)
{
    return (struct host_addr){htonl(UINT32_C(10) << 24 | route), htons((uint16_t)(FIXTURE_PORT + host))};
}

/* True if it is one of the route's first `hosts` hosts. */
static inline bool fixture_owns(uint32_t route, uint32_t hosts, const larshm_host *host)
{
    uint32_t number = ntohs(host->port) - (uint32_t)FIXTURE_PORT;
    return host->addr == fixture_host(route, 0).address && number < hosts &&
           host->modid == fixture_modid(route) && host->cmdid == fixture_cmdid(route);
}

#endif
