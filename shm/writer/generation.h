/* SPDX-License-Identifier: MIT */
/*
 * A routes object and its control object, created and replaced together. Growth, a restarted fetcher and a routes
 * object that lost its name all end here: build the next generation out of the last one, then install it. A control
 * object that is damaged, lost its name, or has no cell for a host, is replaced alone.
 */
#ifndef SHM_WRITER_GENERATION_H
#define SHM_WRITER_GENERATION_H

#include "shm/control.h"
#include "shm/names.h"
#include "shm/writer/call_stats.h"
#include "shm/writer/publisher.h"

struct generation {
    struct region routes_region, control_region;
    struct call_stats stats; /* and the control object itself */
    struct publisher publisher;
};

/* A table in place of the one in a slot of the source. */
struct replacement {
    uint32_t slot;
    uint64_t answered; /* tick */
    struct publication table;
};

struct generation_plan {
    uint32_t bucket_count, arena_units, call_cells;
    const struct routes *source; /* whose tables are imported; NULL: none */
    bool same_writer;            /* false: requests under way died with the fetcher that made them */
    uint64_t now;                /* tick: negative entries that have expired are dropped */
    uint64_t grace_ms;
    const struct replacement *replacements; /* by slot */
    uint32_t replacement_count;
    gid_t control_group;   /* (gid_t)-1: the caller's */
    const char *directory; /* host:port, for people */
};

/*
 * Builds the next generation under the `next` names, complete with every table of the source. Invalid tables
 * are dropped and counted in *damaged. SHM_FULL: the plan is too small. SHM_NO_SPACE: shared memory is. Nothing is left
 * behind on failure.
 */
enum shm_status generation_build(const struct object_names *names, const struct generation_plan *plan,
                                 struct generation *out, uint32_t *damaged);

/* Renames what was built to the names that readers open. The header of the object that loses them (NULL: none) is marked
 * as superseded first; if a rename fails, as not superseded, and no new object keeps a name. */
enum shm_status generation_install(const struct object_names *names, struct routes_header *s_replaced);

/* Makes clients leave the control object, which was truncated, and do without until another one replaces it. */
void generation_leave_control(struct generation *now);

/*
 * Replaces the control object alone, by one of the same shape and another number; `replaced` gets the old one.
 */
enum shm_status generation_renew_control(const struct object_names *names, gid_t group,
                                         struct generation *now, struct generation *replaced);

/* Removes leftovers of a fetcher that died while building. Only the holder of the lock may call it. */
enum shm_status generation_sweep(const struct object_names *names);

/* Unmaps and frees; the objects stay. A zeroed generation is fine. */
void generation_close(struct generation *generation);

#endif
