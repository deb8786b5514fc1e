/* SPDX-License-Identifier: MIT */
/* What the swarm's halves share: swarm.c has all of them, and the time; swarm_fetcher.c is what each of them does. */
#ifndef TOOLS_BENCH_SWARM_INTERNAL_H
#define TOOLS_BENCH_SWARM_INTERNAL_H

#include "fetcher/expired.h"
#include "fetcher/patience.h"
#include "fetcher/shares.h"
#include "fetcher/token_bucket.h"
#include "fetcher/window.h"
#include "proto/frame.h"
#include "tools/bench/swarm.h"

struct sim_route {
    uint64_t fetched, expires; /* ticks; 0: not cached yet */
    uint64_t sent;             /* tick of the last request */
    bool outstanding;
    bool requested; /* since swarm_begin() */
};

struct sim {
    int fd; /* -1: it waits for the next attempt */
    bool up;
    bool blocked;    /* more may be requested when an answer has come */
    unsigned failed; /* attempts and connections, since it was answered */
    struct frame_stream input;
    struct window window;
    struct shares shares;
    struct token_bucket bucket;
    struct waiting waiting;     /* `oldest` is found when it is needed */
    uint64_t connected, polled; /* ticks */
    uint64_t attempt_ends;
    uint32_t resubscribe; /* the next route to request again */
    struct expired expired;
    uint32_t outstanding, fresh; /* routes; fresh: that were answered since swarm_begin() */
    struct sim_route routes[SWARM_EACH];
};

/* What it does at its deadline: polls, gives an attempt up, or makes one. */
void sim_due(struct swarm *swarm, struct sim *sim, uint64_t now);

/* Its socket is ready. False: an answer of the directory is wrong. */
bool sim_ready(struct swarm *swarm, struct sim *sim, uint64_t now);

/* Its next deadline. */
void sim_wake_at(struct swarm *swarm, const struct sim *sim, uint64_t due);

#endif
