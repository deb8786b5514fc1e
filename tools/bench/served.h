/* SPDX-License-Identifier: MIT */
/*
 * A fixture whose routes a larshm-fetcher has requested and published: that of the library that looks them up, so the
 * layout is the one that it reads. Both sides of a comparison come to their routes in this way.
 */
#ifndef TOOLS_BENCH_SERVED_H
#define TOOLS_BENCH_SERVED_H

#include "tools/bench/deployment.h"
#include "tools/bench/fixture.h"

struct served {
    struct fixture fixture; /* without a writer */
    struct deployment deployment;
    struct program fetcher;
    int directory; /* the pid of the process that answers; 0: there is none */
};

/* Starts the library's fetcher and looks all routes up. False: stderr says why, or bench_stopped(). */
bool served_open(struct served *served, const struct bench *bench, const struct library *library,
                 const struct fixture_shape *shape);

/* Ends all that runs and removes the objects. A zeroed one is fine. */
void served_close(struct served *served);

/* Looks up `routes` more, behind those of the shape, until the directory has said that they do not exist. */
bool served_add_nonexistent(const struct served *served, const struct bench *bench, uint32_t routes);

/* Ends the directory: what is not cached stays unknown, what expires stays expired. */
void served_disconnect(struct served *served);

/* Once it is disconnected: waits until all routes have expired. False: likewise. */
bool served_await_expiry(const struct served *served);

/* Reports failures of one host of each route until all are ejected. False: likewise. */
bool served_eject(const struct served *served, const struct bench *bench);

#endif
