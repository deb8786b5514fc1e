/* SPDX-License-Identifier: MIT */
/*
 * struct balance: shared by the files balance*.c alone. Each calls only those before it: balance_state.c,
 * balance_limit.c, balance_tables.c, balance_results.c, balance.c, balance_start.c.
 */
#ifndef FETCHER_BALANCE_INTERNAL_H
#define FETCHER_BALANCE_INTERNAL_H

#include "conf/log.h"
#include "fetcher/balance.h"
#include "fetcher/deadlines.h"
#include "fetcher/health.h"
#include "fetcher/record_set.h"
#include "fetcher/unreported.h"
#include "shm/writer/call_stats.h"

struct ejected_host {
    uint64_t since;
    uint32_t number;
    uint16_t badness;
};

struct balance {
    struct writer *writer;
    struct host_store *store;
    const struct config *config;
    struct deadlines deadlines;
    struct unreported unreported;
    struct record_set to_eject,
        limit_routes; /* since the last balance_eject(): hosts, and routes' own records */
    uint64_t now;
    uint64_t named;   /* control object: hosts with records have cells in it */
    bool full;        /* clients are told that there is no room for records of more hosts */
    uint32_t checked; /* the record that balance_maintain() checked last */
    struct log_limit full_limit, ejected_limit, spared_limit, recovered_limit, none_left_limit;
    uint64_t states[STATE_WORDS(HOSTS_MAX)];
    struct host_addr hosts[HOSTS_MAX];
    struct ejected_host ejected[HOSTS_MAX];
};

/* ---- balance_state.c ---- */

/* Room for what is kept of records with numbers below `count`. False: no memory. */
bool balance_reserve(struct balance *balance, uint32_t count);

/* enum host_share, an operator's override included. */
uint32_t balance_share(const struct balance *balance, const struct host_health *health);

/* Copies the share that follows from the host's record to its table. */
void balance_publish_share(struct balance *balance, const struct route_ref *route, uint32_t number);

/* The route has results for the report service. */
void balance_mark_unreported(struct balance *balance, struct route_key key, enum urgency urgency);

/*
 * After health_apply() or health_time(). `before`: the counts that a change has reset; they may not have been
 * reported to the report service yet. A host that is ejected stays in rotation until balance_eject().
 */
void balance_settle(struct balance *balance, const struct route_ref *route, uint32_t number,
                    enum health_change change, const struct host_health *before);

/* When a host that has left its route is forgotten; DEADLINE_NONE: it has not left. */
uint64_t balance_memory_end(const struct balance *balance, const struct host_entry *entry);

/* Sets the host's deadline. One in rotation without a call in this window has none, unless its share grows or it has
 * left. */
void balance_place(struct balance *balance, uint32_t number);

/* Publishes the number of ejected hosts, for people. */
void balance_gauge_ejected(struct balance *balance);

/* Counts and logs the state that the host has got. */
void balance_log_state(struct balance *balance, uint32_t number);

/* Says what the limits of the log have left out. */
void balance_log_more(struct balance *balance);

/* Hosts of the route have gone out, or its table is another one: says so if none is in rotation. */
void balance_log_if_none_left(struct balance *balance, const struct route_ref *route);

/* ---- balance_limit.c ---- */

/* Puts the least bad of the ejected back in rotation while more than max_ejected of these hosts are out. True: some host
 * is spared. */
bool balance_limit_ejected(struct balance *balance, struct route_key key, const struct host_addr *hosts,
                           uint32_t count);

/* Likewise of a route's hosts, and shows whether one is spared. */
void balance_limit_route(struct balance *balance, const struct route_ref *route);

/* Takes out of rotation what results and windows have ejected. */
void balance_eject(struct balance *balance);

/* ---- balance_tables.c ---- */

/* Sets all shares of the table, whatever they were, to those that follow from its hosts' records; whole ones without. */
void balance_set_shares(struct balance *balance, const struct route_ref *route);

/* Forgets a host that has left its route: its memory is over. */
void balance_forget(struct balance *balance, uint32_t number);

/* Finishes what a commit of the route's record began: the absorbed host loses its totals, or its record. */
void balance_finish_absorbing(struct balance *balance, uint32_t route);

/* ---- balance_results.c ---- */

/* A record for a host that has none. HOST_STORE_NONE: there is no room. */
uint32_t balance_new_record(struct balance *balance, struct route_key key, struct host_addr host);

/* While there is no room for others, clients report only the hosts that are named in their control object. */
void balance_name_new_host(const struct balance *balance, struct route_key key, struct host_addr host);

/* For writer_set_judge(). */
bool balance_judge(void *context, const struct call_report *report);

/* Collects results of about `budget` hosts. */
void balance_collect(struct balance *balance, uint32_t budget);

/* While there is no room for records of more hosts, clients may report only those that have one. */
void balance_check_room(struct balance *balance);

#endif
