/* SPDX-License-Identifier: MIT */
/*
 * Copies the routes of one generation into the next, which has no name yet, in as many parts as the caller likes. In between
 * the fetcher goes on to publish in the first one. Each route that it changes there is copied once more.
 */
#ifndef SHM_WRITER_COPYING_H
#define SHM_WRITER_COPYING_H

#include "shm/writer/key_sketch.h"
#include "shm/writer/publisher.h"

/* A table in place of the one in a slot of the source. */
struct replacement {
    uint32_t slot;
    uint64_t answered; /* tick */
    struct publication table;
};

struct copying_plan {
    const struct routes *source;     /* NULL: nothing is copied */
    bool same_writer;                /* false: requests under way died with the fetcher that made them */
    uint64_t now;                    /* tick: negative entries that have expired are dropped, */
    struct key_sketch *dropped;      /* and added here, */
    const struct slot_set *left_out; /* and so are these; NULL: none */
    const uint32_t *uses;            /* of the source, by slot; NULL: none are kept */
    const struct replacement *replacements; /* by slot, if all is copied in one part */
    uint32_t replacement_count;
};

/* Zeroed: nothing is to be copied. */
struct copying {
    struct copying_plan plan;
    struct slot_set due; /* of the source; for its publisher.changed */
    struct host_addr *scratch;
    bool renumber;
    uint32_t next;    /* of the replacements */
    uint32_t damaged; /* invalid tables that were left out */
};

/* Begins with all slots due. */
enum shm_status copying_begin(struct copying *copying, const struct copying_plan *plan);

/*
 * Copies what is due, until `work` is done: one for each slot, and one for each unit of its table. SHM_FULL: there is no
 * room.
 */
enum shm_status copying_continue(struct copying *copying, struct publisher *publisher, uint64_t work);

/* When nothing is due: sets what the publisher goes on from. */
void copying_finish(const struct copying *copying, struct publisher *publisher);

void copying_free(struct copying *copying);

#endif
