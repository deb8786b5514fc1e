/* SPDX-License-Identifier: MIT */
/* Route 1/1 with four hosts: what is reported of them, and whether they are in rotation. */
#ifndef TESTS_SUPPORT_ROTATION_H
#define TESTS_SUPPORT_ROTATION_H

#include "tests/support/fixture.h"
#include "tests/support/host_health.h"

enum {
    ROTATION_HOSTS = 4, /* 10.0.0.1 .. 10.0.0.4 */
    ROTATION_HOSTS_MOST = 8,
    ROTATION_PORT = 7000,
    ROTATION_STREAK = 10, /* failures that take a host out */
    ROTATION_PROBE_NUM = 10,
    ROTATION_PERIOD = ROTATION_PROBE_NUM + 1,
    ROTATION_PICKS = 100 * ROTATION_PERIOD,
};

/* Of [loadbalance]: time changes nothing. */
extern const char rotation_without_time[];

/* Starts with these lines of configuration, and learns the route. */
void rotation_start(struct fixture *fixture, const char *config);

larshm_host rotation_host(int last);
/* As one client reports so many results. */
void rotation_report(larshm *client, int last, int retcode, unsigned times);
/* Has host `last` fail until it is overloaded. */
void rotation_eject(struct fixture *fixture, int last);

/* What the fetcher knows of host `last`; all zero: nothing. */
struct host_health rotation_health(const struct fixture *fixture, int last);
bool rotation_overloaded(const struct fixture *fixture, int last);
/* So many results of the host have been counted. */
bool rotation_counted(const struct fixture *fixture, int last, uint64_t calls);

/* How often each host was picked. */
struct picks {
    unsigned of[ROTATION_HOSTS_MOST + 1]; /* 0: OVERLOAD */
};
struct picks rotation_pick(larshm *client, unsigned times);
/* Host `last` is picked as often as the others: it is in rotation. */
bool rotation_includes(larshm *client, int last);

/* The host is only probed: once a second. Or, all four of the hosts are in rotation. */
void rotation_expect_probes_only(larshm *client, int last);
void rotation_expect_all(larshm *client);

#endif
