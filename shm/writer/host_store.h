/* SPDX-License-Identifier: MIT */
/*
 * The hosts object as the fetcher keeps it: what is known of each host with results, in its own memory, and a copy of
 * that in shared memory, for people and for the next fetcher. A commit is one store that makes it so: a fetcher that
 * dies leaves each record as it was or as it became.
 *
 * Numbers of records stay while a store is open. The records of a route are chained: the route's own first.
 */
#ifndef SHM_WRITER_HOST_STORE_H
#define SHM_WRITER_HOST_STORE_H

#include <stdbool.h>

#include "shm/host_records.h"
#include "shm/names.h"
#include "shm/order.h"
#include "shm/writer/writer.h"

#define HOST_STORE_NONE UINT32_MAX

struct host_store;

/* Takes over every record that makes sense of the object that is there. Only the holder of the instance's lock may. */
enum shm_status host_store_open(struct host_store **out, const char *instance, uint64_t max_bytes,
                                char message[static WRITER_MESSAGE_MAX]);

/* The object stays. NULL is fine. */
void host_store_close(struct host_store *store);

/* HOST_STORE_NONE: there is no such record. `host` 0 is the route's own. */
uint32_t host_store_find(const struct host_store *store, struct route_key key, struct host_addr host);

/* Finds the record or adds it, and the route's own, all zero. HOST_STORE_NONE: there is no room, or no memory. */
uint32_t host_store_add(struct host_store *store, struct route_key key, struct host_addr host);

/* Removes a host's record, or a route's own when no other is left of it. */
void host_store_remove(struct host_store *store, uint32_t number);

/* Numbers of records are below this; some of them are free. */
uint32_t host_store_used(const struct host_store *store);
bool host_store_is(const struct host_store *store, uint32_t number, struct route_key *key,
                   struct host_addr *host);

/* The next record of the same route; HOST_STORE_NONE after the last. */
uint32_t host_store_next(const struct host_store *store, uint32_t number);

/* To read and to change; host_store_commit() shows the change. Valid until the next host_store_add(). */
struct host_entry *host_store_entry(struct host_store *store, uint32_t number);
void host_store_commit(struct host_store *store, uint32_t number);

/* Makes the object anew if its name no longer leads to it. `note` is empty when nothing happened. */
void host_store_maintain(struct host_store *store, char message[static WRITER_MESSAGE_MAX]);

/* What an operator wants; host_store_answer() must follow, and says how it went. False: nothing. */
bool host_store_order(struct host_store *store, struct order *out);
void host_store_answer(struct host_store *store, enum order_result result);

#endif
