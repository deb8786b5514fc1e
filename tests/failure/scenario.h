/* SPDX-License-Identifier: MIT */
/* A little of a fetcher's daily life, whatever fails meanwhile. */
#ifndef TESTS_FAILURE_PLAY_H
#define TESTS_FAILURE_PLAY_H

#include "tests/support/fixture.h"

/*
 * A client looks routes up that nobody knows yet, until the directory's answers have made it back to it: hosts for
 * some, none for others. The directory listens, and takes whatever connection comes. Then it tells how its calls went,
 * until the fetcher has counted every one. False: a route never came, or a result was lost.
 */
bool play(struct fixture *fixture);

/* All of these routes are served as play() answered them. */
bool scenario_served(struct fixture *fixture);

/* No object of the instance was left half made. */
bool scenario_left_nothing_half_made(const struct fixture *fixture);

#endif
