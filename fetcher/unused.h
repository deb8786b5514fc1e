/* SPDX-License-Identifier: MIT */
/*
 * Which routes no program has looked up for [fetcher] unused_timeout. A lookup leaves no trace but the flag of a table that has
 * expired, so a table that nothing was seen of for half of that time is made to expire. Time counts only while flags are
 * collected: not while the fetcher is stopped or has no directory.
 */
#ifndef FETCHER_UNUSED_H
#define FETCHER_UNUSED_H

#include "shm/writer/writer.h"

enum {
    UNUSED_SLOTS = 16384,  /* looked at in a poll */
    UNUSED_PASSES = 100,   /* over all slots, within the time-out at most */
    UNUSED_PASS_MS = 1000, /* between the beginnings of two, at least */
    UNUSED_GAP_MS = 10000, /* between two polls, counts at most */
};

/* Zero-initialise. */
struct unused {
    uint64_t clock_ms; /* what counts */
    uint64_t polled;   /* tick */
    uint64_t began;    /* tick: the pass, in slots of this generation */
    uint64_t generation;
    uint32_t slot, end; /* the next one of the pass, and of this poll */
    uint32_t timeout_s;
};

/* A program has looked the route up, or it is new. */
void unused_see(const struct unused *unused, struct writer *writer, uint32_t slot);

/* The route was published, and not for a program's sake: where nothing was seen of it for long, it goes on being expired. */
void unused_keep_expired(const struct unused *unused, struct writer *writer, const struct route_ref *route,
                         uint64_t now);

/* At each poll, after flags: `collected` is the tick at which all were, 0 while they are not. False: there is nothing to do. */
bool unused_poll(struct unused *unused, struct writer *writer, uint32_t timeout_s, uint64_t collected,
                 uint64_t now);

/* Then until it returns false: *out is a route that leaves now. */
bool unused_next(struct unused *unused, struct writer *writer, struct route_ref *out);

#endif
