/* SPDX-License-Identifier: MIT */
/*
 * The fetcher's side of the hosts object: a record of each host with results, in its own memory, and a copy in shared
 * memory, for people and for the next fetcher. A commit takes effect with one store: a fetcher that dies leaves each
 * record as it was before or as it is after.
 *
 * Numbers of records stay while a store is open. The records of a route are chained: the route's own first.
 */
#ifndef SHM_WRITER_HOST_STORE_H
#define SHM_WRITER_HOST_STORE_H

#include <stdbool.h>

#include "shm/host_records.h"
#include "shm/names.h"
#include "shm/status.h"
#include "shm/writer/event.h"

#define HOST_STORE_NONE UINT32_MAX

struct host_store;

/*
 * Imports every valid record of the existing object; one of another layout gets a second name before it loses its
 * own. Only the holder of the instance's lock may call it. On failure *failure says what is wrong.
 */
enum shm_status host_store_open(struct host_store **out, const char *instance, uint64_t max_bytes,
                                struct event *failure);

/* The object stays. NULL is fine. */
void host_store_close(struct host_store *store);

/* HOST_STORE_NONE: there is no such record. HOST_ADDR_NONE: the route's own. */
uint32_t host_store_find(const struct host_store *store, struct route_key key, struct host_addr host);

/* Finds the record or adds it, and the route's own, all zero. HOST_STORE_NONE: no room, or no memory. */
uint32_t host_store_add(struct host_store *store, struct route_key key, struct host_addr host);

/* How many more records there can be, as far as max_bytes goes. */
uint32_t host_store_room(const struct host_store *store);

/* Removes a host's record, or a route's own if it has no other left. */
void host_store_remove(struct host_store *store, uint32_t number);

/* Numbers of records are below this; some of them are free. */
uint32_t host_store_used(const struct host_store *store);
bool host_store_is(const struct host_store *store, uint32_t number, struct route_key *key,
                   struct host_addr *host);

/* The next record of the same route; HOST_STORE_NONE after the last. */
uint32_t host_store_next(const struct host_store *store, uint32_t number);

/* To read and to change; host_store_commit() publishes the change. Valid until the next host_store_add(). */
struct host_entry *host_store_entry(struct host_store *store, uint32_t number);
void host_store_commit(struct host_store *store, uint32_t number);

/* Recreates the object if its name no longer leads to it; says what host_store_open() has put aside. False: nothing
 * happened. */
bool host_store_maintain(struct host_store *store, struct event *out);

#endif
