/* SPDX-License-Identifier: MIT */
/*
 * Which hosts are in rotation: collects the results that clients report, judges them (health.h), keeps a record of
 * each host (shm/writer/host_store.h), and publishes their states. Time-outs run on the fetcher's
 * clock. An operator's override comes before call results.
 */
#ifndef FETCHER_BALANCE_H
#define FETCHER_BALANCE_H

#include "conf/config.h"
#include "shm/writer/host_store.h"
#include "shm/writer/writer.h"

struct balance;

/* `config` is read at each step and may change in between. On failure *failure says why, and NULL is returned. */
struct balance *balance_new(struct writer *writer, const char *instance, const struct config *config,
                            struct event *failure);
void balance_delete(struct balance *balance);

/* The configuration has changed. */
void balance_apply_config(struct balance *balance);

/* Every poll_interval_ms: results, time-outs. */
void balance_poll(struct balance *balance, uint64_t now);

/* An operator's override; OVERRIDE_NONE lets calls decide again. */
enum balance_answer {
    BALANCE_DONE,
    BALANCE_NO_ROUTE,
    BALANCE_NO_HOST,
    BALANCE_FULL, /* no room for its record */
};
enum balance_answer balance_override(struct balance *balance, struct route_key key, struct host_addr host,
                                     enum host_override override);

/* Periodic maintenance: the hosts object, and records of routes that are gone. */
void balance_maintain(struct balance *balance);

/* The states of a table that is about to be published; NULL: all hosts in rotation. Valid until the next call. */
const uint64_t *balance_states(struct balance *balance, struct route_key key, const struct host_addr *hosts,
                               uint32_t count);

/* The route has a new table: hosts that left it are forgotten, their totals go to the route. */
void balance_table_changed(struct balance *balance, const struct route_ref *route);

/* The route has left the cache: as if all its hosts had left it. */
void balance_route_left(struct balance *balance, struct route_key key);

/* How many hosts of the route have an override. */
uint32_t balance_count_overrides(const struct balance *balance, struct route_key key);

/* The records of all hosts, to be read. */
struct host_store *balance_store(const struct balance *balance);

/* The results of one host for the report service. */
struct host_result {
    struct host_addr host;
    uint32_t succ, err; /* Lars' rsucc and rerr, and unreported counts of windows that have ended */
    bool ejected;
};

/* Routes with unreported results are reported in rounds: those that have some now are in the next one. */
void balance_begin_round(struct balance *balance);

/*
 * Returns the routes of the round, one per call: one result for each host of the table, with its real counts. Or, of
 * those with unreported failures or changes of state, the urgent ones, see unreported.h. `out` has room for HOSTS_MAX.
 * False: no more. What is returned counts as reported.
 */
bool balance_next_results(struct balance *balance, bool urgent, struct route_key *key,
                          struct host_result *out, uint32_t *count);

/* The report service may have lost reports: every route that has records is to be reported again. */
void balance_report_all(struct balance *balance);

#endif
