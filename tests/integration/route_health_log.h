/* SPDX-License-Identifier: MIT */
/* What the fetcher logs of hosts, against what a model of the rules says of them. Takes the place of log_limited(). */
#ifndef TESTS_INTEGRATION_ROUTE_HEALTH_LOG_H
#define TESTS_INTEGRATION_ROUTE_HEALTH_LOG_H

#include "tests/support/rules_model.h"

/* Another fetcher: nothing is logged. */
void route_log_begin(void);

/* Since `before` route 1/`cmdid` has got one line for each change of a host, and no other. A failure says `where`. */
void route_log_expect(uint32_t cmdid, const struct model_route *before, const struct model_route *route,
                      const char *where);

/* No line was about another route, or about nothing. */
void route_log_expect_end(const char *where);

#endif
