/* SPDX-License-Identifier: MIT */
/*
 * Which hosts are in the turn: takes the results that clients report, has them judged (health.h), keeps what is known
 * of each host (shm/store.h), and publishes verdicts. Time-outs run on the fetcher's clock. Operators' orders come
 * before what calls tell.
 */
#ifndef FETCHER_BALANCE_H
#define FETCHER_BALANCE_H

#include "conf/config.h"
#include "shm/writer/host_store.h"
#include "shm/writer/writer.h"

struct balance;

/* `config` is read at each step and may change in between. On failure `note` says why, and NULL is returned. */
struct balance *balance_new(struct writer *writer, const char *instance, const struct config *config,
                            char message[static WRITER_MESSAGE_MAX]);
void balance_delete(struct balance *balance);

/* Every poll_interval_ms: results, time-outs, orders. */
void balance_poll(struct balance *balance, uint64_t now);

/* Once in a while: the hosts object, and records of routes that are gone. */
void balance_maintain(struct balance *balance);

/* How the hosts of a table stand that is about to be published; NULL: all in the turn. Valid until the next call. */
const uint64_t *balance_masks(struct balance *balance, struct route_key key, const struct host_addr *hosts,
                              uint32_t count);

/* The table of the route is another one now: hosts that left it are forgotten, their totals go to the route. */
void balance_table_changed(struct balance *balance, struct route_key key);

/* What the report service is told about a host. */
struct host_result {
    struct host_addr host;
    uint32_t succ, err; /* Lars' rsucc and rerr, and what came before a window ended and was not told yet */
    bool overloaded;
};

/*
 * Hands out the routes with news since they were handed out last, one after the other: one result for each host of the
 * table, LARS.md's real counts. `out` has room for HOSTS_MAX. False: no more. What is handed out counts as told.
 */
bool balance_next_results(struct balance *balance, struct route_key *key, struct host_result *out,
                          uint32_t *count);

/* The report service may have lost what it was told: every route that has records is news again. */
void balance_report_all(struct balance *balance);

#endif
