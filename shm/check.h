/* SPDX-License-Identifier: MIT */
/*
 * The is-valid walk over a routes object: the inspection tool runs it on live objects, tests on copies of dead ones. It
 * may run while the fetcher publishes; it only reads.
 */
#ifndef SHM_CHECK_H
#define SHM_CHECK_H

#include "shm/routes.h"

enum {
    CHECK_TEXT_MAX = 160
};

struct check_report {
    uint32_t keys;             /* slots in use */
    uint32_t hosts;            /* in all tables */
    uint32_t longest_probe;    /* buckets */
    uint64_t live_units;       /* of the arena */
    char text[CHECK_TEXT_MAX]; /* the first error; empty if there is none */
};

/*
 * Every slot: reachable from its key's home bucket, once; its ref in bounds, its block stamped with it, of the same
 * key, with a possible count, within the arena; versions not above the last one drawn, and none twice. SHM_OK or
 * SHM_CORRUPT; SHM_SYSTEM_ERROR: out of memory.
 */
enum shm_status check_routes(const struct routes *routes, struct check_report *report);

#endif
