/* SPDX-License-Identifier: MIT */
/* What the processes of the torture share: counts, in memory that survives any of them. */
#ifndef TESTS_TORTURE_TORTURE_H
#define TESTS_TORTURE_TORTURE_H

#include <stdatomic.h>
#include <stdint.h>

enum {
    ROUTES_MAX = 1 << 15,
    READERS = 3,
    THREADS = 3, /* of each reader */
};

struct torture {
    _Atomic uint64_t lookups, pushes, views, stale_views, forks, threads;
    _Atomic uint64_t torn, lost, poisoned, hung; /* must be 0, see torture.c */
    _Atomic uint64_t begun, recorded; /* results of calls to calm routes: before and after larshm_report() */
    _Atomic uint64_t longest_ns;
    _Atomic uint32_t routes;          /* keys 0 .. routes - 1 are looked up; grows */
    _Atomic uint32_t port;            /* of the flapping directory */
    _Atomic uint32_t rate;            /* pushes per second */
    _Atomic uint8_t seen[ROUTES_MAX]; /* a lookup of this key has succeeded */
};

/* Looks up until killed. */
void reader_run(struct torture *torture, const char *instance);

/* A directory that answers at once and pushes new rounds all the time, until killed. */
void flapper_run(struct torture *torture);

#endif
