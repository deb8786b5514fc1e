/* SPDX-License-Identifier: MIT */
/*
 * The writer half of one generation: every store that a routes object sees after it has its name. One process, one
 * thread. The order of the stores is the protocol; PROTOCOL.md argues it.
 */
#ifndef SHM_WRITER_PUBLISHER_H
#define SHM_WRITER_PUBLISHER_H

#include <stdbool.h>

#include "shm/host_addr.h"
#include "shm/routes.h"
#include "shm/table.h"
#include "shm/writer/arena.h"
#include "shm/writer/slot_set.h"

struct publisher {
    struct routes routes; /* mapped read-write */
    struct arena arena;
    uint64_t version;         /* the last one drawn */
    uint32_t keys;            /* slots in use */
    uint32_t negative;        /* of these, those of keys that have no hosts */
    uint32_t keys_max;        /* no more than so many */
    uint32_t ring_due;        /* what has happened since the doorbell last rang, in its bits */
    struct slot_set *changed; /* gets each slot whose route changes in any way; NULL: not wanted */
    uint32_t *uses;           /* by slot, in the heap: what publisher_set_use() has set; NULL: not kept */
};

/* A table to publish. Hosts are sorted by the caller, so that equal sets compare equal. */
struct publication {
    struct route_key key;
    const struct host_addr *hosts;
    const uint64_t *states; /* [STATE_WORDS(count)]; NULL: all hosts are in rotation */
    uint32_t count;         /* 0 .. HOSTS_MAX */
    uint32_t ttl_s;
    uint16_t marks;
};

/* What publisher_put() did. */
enum put_result {
    PUT_PUBLISHED,
    PUT_REFRESHED, /* the same hosts: only the times changed */
    PUT_NO_ROOM,   /* nothing changed: this generation has no block or no slot left */
};

/* The index is grown before it is so full that keys are beyond the buckets that the fast path looks at: half. */
static inline uint32_t publisher_keys_usual(const struct routes *routes)
{
    return routes_slot_count(routes) / 2;
}

/* Begins to write a formatted object that has no keys yet. */
void publisher_init(struct publisher *publisher, const struct routes *routes, uint64_t version,
                    uint64_t grace_ms);

/*
 * Publishes the table, fetched at tick `now`, in the slot that holds its key; or, if *slot is SLOT_NONE, in `empty`, both
 * as index_probe() gave them. *slot is the key's slot afterwards, unless there was no room. The route is NEW then.
 */
enum put_result publisher_put(struct publisher *publisher, uint32_t *slot, uint32_t empty,
                              const struct publication *table, uint64_t now);

/*
 * Imports a table from another generation, to which no process writes meanwhile, under the version it had there (or a new one if
 * `renumber`). Only while the object has no name yet: of a key that is here already it replaces the table at once.
 * `scratch` has room for HOSTS_MAX hosts. SHM_FULL: no room.
 */
enum shm_status publisher_import(struct publisher *publisher, const struct table *table, struct route_key key,
                                 bool renumber, struct host_addr *scratch);

/* NEW -> PULLING: `expires` becomes never. And back: it is again the fetch plus update_timeout. */
void publisher_set_pulling(struct publisher *publisher, uint32_t slot);
void publisher_set_new(struct publisher *publisher, uint32_t slot);

/*
 * Sets what a host of the route gets of its share: enum host_share, or eighths. In place: one word, advice to readers, which
 * look at it where `limited` is not 0. A fetcher that dies between the two leaves a `limited` that is wrong by one until the
 * next generation counts it again.
 */
void publisher_set_share(struct publisher *publisher, uint32_t slot, uint32_t host, uint32_t share);

/* For people: properties of the route besides its hosts, until its next publish or refresh. */
void publisher_set_marks(struct publisher *publisher, uint32_t slot, uint16_t bits, uint16_t marks);

/* The table expires now, which looks as old as it is. */
void publisher_expire(struct publisher *publisher, uint32_t slot, uint64_t now);

/* A number that goes with the route to the next generation. */
void publisher_set_use(struct publisher *publisher, uint32_t slot, uint32_t use);

/* Frees the heap; touches no shared memory. */
void publisher_free(struct publisher *publisher);

#endif
