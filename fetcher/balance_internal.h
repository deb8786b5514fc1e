/* SPDX-License-Identifier: MIT */
/* What balance.c (results, time, orders) and balance_start.c (beginning and end) share; nobody else includes it. */
#ifndef FETCHER_BALANCE_INTERNAL_H
#define FETCHER_BALANCE_INTERNAL_H

#include "fetcher/balance.h"
#include "fetcher/deadlines.h"
#include "fetcher/log.h"
#include "fetcher/unreported.h"

struct balance {
    struct writer *writer;
    struct host_store *store;
    const struct config *config;
    struct deadlines deadlines;
    struct unreported unreported;
    uint64_t now;
    uint32_t tended; /* the record that balance_maintain() has looked at last */
    struct log_limit full_limit, state_limit, message_limit;
    uint64_t masks[MASK_WORDS(HOSTS_MAX)];
    struct host_addr hosts[HOSTS_MAX];
};

/* Shows in the host's table how its record stands. */
void balance_publish_rotation(struct balance *balance, uint32_t number);

/* Takes results of about `budget` hosts. */
void balance_take(struct balance *balance, uint32_t budget);

/* Ends what a commit of the route's record has begun: the host that it has absorbed loses its totals, or its record. */
void balance_finish_absorbing(struct balance *balance, uint32_t route);

/* For writer_on_calls(). */
struct call_report;
bool balance_report_came(void *context, const struct call_report *report, uint64_t generation);

/* The number of hosts that are overloaded, for people. */
void balance_gauge_overloaded(struct balance *balance);

#endif
