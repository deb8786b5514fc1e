/* SPDX-License-Identifier: MIT */
/*
 * Results of calls to routes of their own, CALM_MODID, whose tables never change: so that it can be known whether the
 * fetchers, one after the other, have kept each exactly once.
 */
#ifndef TESTS_TORTURE_RESULTS_H
#define TESTS_TORTURE_RESULTS_H

#include <stdint.h>

#include "tests/torture/self_checking.h"

enum {
    CALM_MODID = TORTURE_MODID + 1,
    CALM_ROUTES = 8, /* cmdid 1 .. CALM_ROUTES */
};

/* What the fetcher has kept of them; 0 while there is no hosts object. */
uint64_t results_kept(const char *hosts_name);

#endif
