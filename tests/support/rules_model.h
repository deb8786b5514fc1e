/* SPDX-License-Identifier: MIT */
/*
 * The hosts of a route under [loadbalance] rules = larshm, as larshm.conf(5) describes them: plain and slow, and written
 * without a look at the fetcher, with which it shares nothing. Times are milliseconds.
 */
#ifndef TESTS_SUPPORT_RULES_MODEL_H
#define TESTS_SUPPORT_RULES_MODEL_H

#include <stdbool.h>
#include <stdint.h>

enum {
    MODEL_HOSTS = 48
};

struct model_rules {
    uint32_t credit, charge;            /* init_succ_cnt, init_err_cnt */
    uint32_t err_rate, window_err_rate; /* of 1000 */
    uint32_t err_limit, succ_limit;     /* contin_err_limit, recover_successes */
    uint32_t window_min_calls, max_ejected;
    uint64_t window, ejection, longest, memory; /* idle_timeout, overload_timeout, max_overload_timeout */
    uint64_t slow_start;
};

enum model_reason {
    MODEL_NEW,
    MODEL_ERR_RATE,
    MODEL_STREAK,
    MODEL_WINDOW,
    MODEL_PROBES,
    MODEL_TIME,
    MODEL_GOOD_WINDOW, /* of a host that was spared */
    MODEL_REASONS,
};

struct model_host {
    bool here;                 /* in the route's table */
    bool known;                /* the fetcher has a record of it */
    bool ejected;              /* by its calls, whatever the operator says */
    bool drained, pinned;      /* by the operator */
    enum model_reason reason;  /* of its state; one of an ejection if it is in rotation: it is spared */
    uint32_t in_a_row;         /* calls, if that is the reason */
    uint32_t ejections;        /* in a row, when its state began */
    uint32_t ejections_before; /* it was ejected last */
    uint32_t share;            /* of failures with which it was ejected, parts of 10,000 */
    uint64_t since, until;     /* its state began; its ejection ends */
    uint64_t window;           /* its counts began */
    uint64_t left;             /* its route, with something to remember; 0: it has not */
    uint32_t credit, charge;
    uint32_t succ, fail, weight;                             /* calls; what its failures count for judging */
    uint32_t fails_in_a_row, succs_in_a_row;                 /* now */
    uint32_t new_succ, new_fail, new_weight;                 /* since the last poll */
    uint32_t longest_fails_in_a_row, longest_succs_in_a_row; /* that went on since the last poll */
};

struct model_route {
    const struct model_rules *rules;
    struct model_host hosts[MODEL_HOSTS];
    /* Of hosts that failed alike at the same time any may be spared: the others are these. */
    bool preferred[MODEL_HOSTS];
    uint64_t now;
};

/* A client reports: a failure counts `weight` times. */
void model_report(struct model_route *route, uint32_t at, bool success, uint32_t weight);

/* The fetcher looks at what was reported. */
void model_poll(struct model_route *route, uint64_t now);

/* The operator drains or pins a host that is here or known, or lets its calls decide again. */
void model_override(struct model_route *route, uint32_t at, bool drained, bool pinned);

/* The directory gives the route these hosts. */
void model_table(struct model_route *route, const bool here[MODEL_HOSTS]);

/* Other rules hold from now on. */
void model_reload(struct model_route *route);

/* Streaks end: a new generation of the shared objects. */
void model_end_streaks(struct model_route *route);

bool model_is_out(const struct model_host *host);
bool model_is_spared(const struct model_host *host);

/* What it gets of its even share of picks, in eighths. */
uint32_t model_eighths(const struct model_route *route, const struct model_host *host);

/* Some host of its table that is not drained is spared. */
bool model_has_spared(const struct model_route *route);

/* The host has become another state since `before`, a copy of the route. */
bool model_has_changed(const struct model_route *before, const struct model_route *route, uint32_t at);

/* It has hosts, and all of them are out. */
bool model_has_none_left(const struct model_route *route);

/* How many hosts may be out, and how many are: drained ones count in neither. */
uint32_t model_most_out(const struct model_route *route);
uint32_t model_count_out(const struct model_route *route);

#endif
