/* SPDX-License-Identifier: MIT */
/*
 * Answers for cached routes that found no room: the newest one of each route, in the order in which the routes began to
 * wait. In the fetcher's heap. A table that is no larger than the cached one always waits, so that all of these take no more
 * units than the arena; what the others have beyond the cached ones has a limit. Who publishes a newer answer of a route
 * drops the one that waits, which would replace it later.
 */
#ifndef SHM_WRITER_POSTPONED_H
#define SHM_WRITER_POSTPONED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "shm/layout.h"
#include "shm/writer/publisher.h"

struct postponed_answer {
    TAILQ_ENTRY(postponed_answer) place;
    struct publication table; /* its hosts and states are the arrays below */
    uint64_t answered;        /* tick */
    uint32_t growth;          /* units beyond the cached table */
    uint64_t states[];        /* then hosts */
};

struct postponed {
    void *tree; /* by key */
    TAILQ_HEAD(, postponed_answer) queue;
    uint32_t count;
    uint64_t units, growth; /* of all answers */
};

void postponed_init(struct postponed *postponed);
void postponed_free(struct postponed *postponed);

/*
 * Copies an answer for a route whose cached table has `cached` units, in place of an earlier one, whose turn it takes. False:
 * no memory, or more than `growth_max`. Then an earlier one stays, for it is still newer than the cached table; but not one
 * without hosts, if this one has some: the route exists.
 */
bool postponed_add(struct postponed *postponed, const struct publication *table, uint64_t answered,
                   uint32_t cached, uint64_t growth_max);

/* The route has a newer answer, or is gone. */
void postponed_drop(struct postponed *postponed, struct route_key key);

/* The answer that has waited for longest; NULL: none waits. */
static inline struct postponed_answer *postponed_first(const struct postponed *postponed)
{
    return TAILQ_FIRST(&postponed->queue);
}

/* An answer that still finds no room lets the others go first. */
void postponed_defer(struct postponed *postponed, struct postponed_answer *answer);

#endif
