/* SPDX-License-Identifier: MIT */
/*
 * All of RouteData in memory, for a loop that must never wait for the database: a thread of its own reads it.
 *
 * RouteVersion and RouteChange are hints, which any editor may leave out, and any directory may delete: each HINT_MS the
 * thread looks at them, and reads the routes that they name. The comparison of all rows is the truth: it comes soon after a
 * hint, and each COMPARE_MAX_MS without one. A read that ends early is no deletion: it is thrown away.
 *
 * Tables are never changed: the thread makes another one, and hands it over with the keys that differ. It makes the next
 * one when the loop has taken that, so the table that it compares with is the loop's.
 */
#ifndef TOOLS_DNS_REPLICA_H
#define TOOLS_DNS_REPLICA_H

#include "tools/common/maria.h"
#include "tools/dns/table.h"

struct replica;

/* Reads all rows by a connection that stays the caller's, for the replica alone. NULL: it failed, and maria->error
 * says why. */
struct replica *replica_load(struct maria *maria);

/* Starts the thread, which calls `wake` when replica_take() has something. Returns 0, or an errno. */
int replica_start(struct replica *replica, void (*wake)(void *arg), void *arg);

/* Ends the thread, if it was started; it may wait for the database for some seconds. */
void replica_stop(struct replica *replica);
void replica_free(struct replica *replica);

/* The rows as they were taken last; valid until the next replica_take(). */
const struct table *replica_table(const struct replica *replica);

/* Takes what changed, a part of it if it is much, and has itself woken for the rest. Returns whether there was
 * something. */
bool replica_take(struct replica *replica, void (*changed)(void *arg, struct route_key key), void *arg);

/* Whether the table has an index by key. */
bool replica_indexed(const struct replica *replica);

/* Whether the rows that were taken last are of an older version than those before, as of a backup; true once. */
bool replica_went_back(struct replica *replica);

/* The rows are those of this version or of a later one, as the last comparison of all rows has shown. */
uint64_t replica_version(struct replica *replica);

/* Returns 0, or -1 and why nothing new comes. */
int replica_state(struct replica *replica, char error[static STORE_ERROR_SIZE]);

#endif
