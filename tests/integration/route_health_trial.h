/* SPDX-License-Identifier: MIT */
/* A trial of route_health_test.c: the fetcher's routes and those of the model, what is seen of both, and the comparison. */
#ifndef TESTS_INTEGRATION_ROUTE_HEALTH_TRIAL_H
#define TESTS_INTEGRATION_ROUTE_HEALTH_TRIAL_H

#include "fetcher/balance.h"
#include "shm/control.h"
#include "tests/support/instance.h"
#include "tests/support/rules_model.h"

enum {
    ROUTES = 2 /* with the same hosts */
};

/* A route's host as programs and people see it. */
struct host_view {
    bool known, drained, out; /* out: of the table, drained or ejected */
    bool here;
    uint32_t eighths; /* of its even share of picks */
    struct host_health health;
};

struct trial {
    struct instance *instance;
    struct balance *balance;
    struct config config;
    struct model_rules rules;
    struct model_route model[ROUTES], before[ROUTES];
    struct host_view views[ROUTES][MODEL_HOSTS];
    struct host_addr hosts[MODEL_HOSTS];
    uint32_t host_count;        /* of those that the routes ever have */
    uint32_t fail[MODEL_HOSTS]; /* calls of 1000 that fail */
    uint32_t programs, broken;  /* the first `broken` programs report failures for everything */
    uint32_t weight_max;
    uint32_t calls_max, step_max; /* for each poll */
    struct region control_region;
    struct control control;
    uint64_t control_number;
};

/* What happened, over all seeds. */
struct happened {
    size_t calls;
    size_t changes[MODEL_REASONS], spared[MODEL_REASONS];
    size_t replaced, released; /* hosts that were out, for one that is worse, and because fewer may be */
    size_t third_in_a_row, longest;
    size_t back_ejected, forgotten;
    size_t few_calls; /* windows that would have ejected the host */
    size_t alone, pinned, drained, returning, none_left;
};
extern struct happened seen;

extern uint32_t seed;
extern uint64_t clock_ms; /* the fetcher's */

static inline struct route_key key_of(uint32_t route)
{
    return route_key(1, route + 1);
}

/* Fills trial->views. */
void trial_view(struct trial *trial);

/* In the route's table. */
bool trial_agrees_on_rotation(const struct trial *trial, uint32_t route, uint32_t at);

/* Of the hosts that the poll just done has judged bad, none is spared that failed more than one that is out. */
void trial_expect_worst_out(const struct trial *trial, uint32_t route);

/* Fails where a view is not what the model says, or a rule is broken, or the log says something else; counts what happened. */
void trial_compare(struct trial *trial, const char *after);

#endif
