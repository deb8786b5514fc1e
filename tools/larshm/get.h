/* SPDX-License-Identifier: MIT */
/* The two ways of `larshm get`: a route's hosts, and hosts as they are picked. */
#ifndef TOOLS_LARSHM_GET_H
#define TOOLS_LARSHM_GET_H

#include <larshm/larshm.h>

#include "tools/larshm/command.h"

enum {
    PICKS_MAX = 1000000
};

/* Picks `picks` hosts as an application would and shows how often each came. Returns the exit code. */
int get_picks(larshm *h, const struct common *common, struct route_key key, uint32_t picks);

/* Says so if the hosts that are shown are from a snapshot of that time; 0: they are not. */
void get_warn_of_snapshot(struct route_key key, uint64_t unix_ms);

#endif
