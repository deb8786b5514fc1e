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
#include "shm/writer/copying.h"
#include "shm/writer/publisher.h"
#include "shm/writer/route_source.h"

struct generation {
    struct region routes_region, control_region;
    struct call_stats stats; /* and the control object itself */
    struct publisher publisher;
};

struct generation_plan {
    uint32_t bucket_count, arena_units, call_cells;
    struct copying_plan copying;
    const struct route_source
        *restored;                 /* whose tables are taken where the copying has no source; NULL: none */
    uint32_t restored_units;       /* the most that they may take */
    struct restored_extent extent; /* of them */
    uint64_t grace_ms;
    gid_t control_group; /* (gid_t)-1: the caller's */
};

/* The next generation, while it is built under the `next` names. Zeroed: none is. */
struct generation_draft {
    bool under_way;
    struct generation_plan plan;
    struct region_draft object;
    struct publisher publisher;
    struct copying copying;
    uint32_t left_out; /* restored tables that found no room */
};

/* Begins to build. What the plan points to must outlive the draft. On failure nothing is left behind. */
enum shm_status generation_begin(const struct object_names *names, const struct generation_plan *plan,
                                 struct generation_draft *out);

/*
 * Goes on until `work` is done, as copying_continue() measures it; to allocate memory is work, too. *complete: nothing is left
 * to do. SHM_FULL: the plan is too small. SHM_NO_SPACE: shared memory is. Abandon it then.
 */
enum shm_status generation_continue(struct generation_draft *draft, uint64_t work, bool *complete);

/*
 * Ends it, once nothing is left to do: with the header that the source has now, and a control object. Abandon it if that
 * fails.
 */
enum shm_status generation_finish(const struct object_names *names, struct generation_draft *draft,
                                  struct generation *out);

/* Removes what was built. None, or one that was finished, is fine; keeps errno. */
void generation_abandon(const struct object_names *names, struct generation_draft *draft);

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
