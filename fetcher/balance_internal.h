/* SPDX-License-Identifier: MIT */
/* Shared by balance.c (results, time, overrides) and balance_start.c (start and end) alone. */
#ifndef FETCHER_BALANCE_INTERNAL_H
#define FETCHER_BALANCE_INTERNAL_H

#include "conf/log.h"
#include "fetcher/balance.h"
#include "fetcher/deadlines.h"
#include "fetcher/unreported.h"

struct balance {
    struct writer *writer;
    struct host_store *store;
    const struct config *config;
    struct deadlines deadlines;
    struct unreported unreported;
    uint64_t now;
    uint64_t named;   /* control object: hosts with records have cells in it */
    bool full;        /* clients are told that there is no room for records of more hosts */
    uint32_t checked; /* the record that balance_maintain() checked last */
    struct log_limit full_limit, ejected_limit, recovered_limit;
    uint64_t masks[MASK_WORDS(HOSTS_MAX)];
    struct host_addr hosts[HOSTS_MAX];
};

/* Copies the state of the host's record to the masks of its table. */
void balance_publish_rotation(struct balance *balance, const struct route_ref *route, uint32_t number);

/* Collects results of about `budget` hosts. */
void balance_collect(struct balance *balance, uint32_t budget);

/* Finishes what a commit of the route's record began: the absorbed host loses its totals, or its record. */
void balance_finish_absorbing(struct balance *balance, uint32_t route);

/* For writer_set_judge(). */
struct call_report;
bool balance_judge(void *context, const struct call_report *report);

/* Publishes the number of ejected hosts, for people. */
void balance_gauge_ejected(struct balance *balance);

#endif
