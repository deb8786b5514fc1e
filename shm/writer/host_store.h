/* SPDX-License-Identifier: MIT */
/*
 * The hosts object as the fetcher keeps it: what is known of each host with results, in its own memory, and a copy of
 * that in shared memory, for people and for the next fetcher. A commit is one store that makes it so: a fetcher that
 * dies leaves each record as it was or as it became.
 *
 * Numbers of records stay while a ledger is open. The records of a route are chained: the route's own first.
 */
#ifndef SHM_WRITER_HOST_STORE_H
#define SHM_WRITER_HOST_STORE_H

#include <stdbool.h>

#include "shm/host_records.h"
#include "shm/names.h"
#include "shm/order.h"
#include "shm/writer/writer.h"

#define LEDGER_NONE UINT32_MAX

struct ledger;

/* Takes over every record that makes sense of the object that is there. Only the holder of the instance's lock may. */
enum shm_status ledger_open(struct ledger **out, const char *instance, uint64_t max_bytes,
                            char note[static WRITER_NOTE_MAX]);

/* The object stays. NULL is fine. */
void ledger_close(struct ledger *ledger);

/* LEDGER_NONE: there is no such record. `host` 0 is the route's own. */
uint32_t ledger_find(const struct ledger *ledger, uint64_t key, uint64_t host);

/* Finds the record or adds it, and the route's own, all zero. LEDGER_NONE: there is no room, or no memory. */
uint32_t ledger_add(struct ledger *ledger, uint64_t key, uint64_t host);

/* Removes a host's record, or a route's own when no other is left of it. */
void ledger_remove(struct ledger *ledger, uint32_t number);

/* Numbers of records are below this; some of them are free. */
uint32_t ledger_used(const struct ledger *ledger);
bool ledger_is(const struct ledger *ledger, uint32_t number, uint64_t *key, uint64_t *host);

/* The next record of the same route; LEDGER_NONE after the last. */
uint32_t ledger_next(const struct ledger *ledger, uint32_t number);

/* To read and to change; ledger_commit() shows the change. Valid until the next ledger_add(). */
struct host_entry *ledger_entry(struct ledger *ledger, uint32_t number);
void ledger_commit(struct ledger *ledger, uint32_t number);

/* Makes the object anew if its name no longer leads to it. `note` is empty when nothing happened. */
void ledger_tend(struct ledger *ledger, char note[static WRITER_NOTE_MAX]);

/* What an operator wants; ledger_answer() must follow, and says how it went. False: nothing. */
bool ledger_order(struct ledger *ledger, struct order *out);
void ledger_answer(struct ledger *ledger, enum order_result result);

#endif
