/* SPDX-License-Identifier: MIT */
/* A little of a fetcher's daily life, whatever fails meanwhile. */
#ifndef TESTS_FAILURE_SCENARIO_H
#define TESTS_FAILURE_SCENARIO_H

#include "tests/support/fixture.h"

/*
 * A client looks unknown routes up, until the directory's answers have made it back to it: hosts for
 * some, none for others. The directory listens, and takes whatever connection comes. Then it reports how its calls went,
 * until the fetcher has counted every one. False: a route never came, or a result was lost.
 */
bool scenario_run(struct fixture *fixture);

/* All of these routes are served as scenario_run() answered them. */
bool scenario_served(struct fixture *fixture);

/* No object of the instance was left half made. */
bool scenario_left_nothing_half_made(const struct fixture *fixture);

#endif
