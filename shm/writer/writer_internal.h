/* SPDX-License-Identifier: MIT */
/*
 * struct writer: shared by the files writer_*.c alone. Each calls only those before it: writer_header.c, writer_calls.c,
 * writer_retired.c, writer_generation.c, writer_control.c, writer_growth.c, writer_leaving.c, writer_routes.c,
 * writer_postponed.c, writer_collect.c, writer_maintain.c, writer_open.c.
 */
#ifndef SHM_WRITER_WRITER_INTERNAL_H
#define SHM_WRITER_WRITER_INTERNAL_H

#include "shm/writer/collect.h"
#include "shm/writer/generation.h"
#include "shm/writer/postponed.h"
#include "shm/writer/replaced.h"
#include "shm/writer/retired_control.h"
#include "shm/writer/use_sums.h"
#include "shm/writer/writer.h"

enum {
    RETIRED_MAX = 24, /* an object that grows to its largest size at once is replaced so often */
    RETIRED_KEEP_MS = 60 * 1000,
    NO_SPACE_MS = 1000,     /* between two attempts to grow while shared memory is full */
    LEAVING_MS = 10 * 1000, /* between two generations for the sake of routes that leave */
    LEAVE_BYTES = 16 << 20, /* of that are unmapped at one go: some milliseconds */
    COMPACT_MS = 10 * 1000, /* between two generations that are no larger */
    COMPACTIONS = 6,        /* so many of them in a row, and then one in each COMPACTION_MS */
    COMPACTION_MS = 600 * 1000,
    SPREAD_MS = 10 * 1000, /* between two control objects that are no larger */
    FIRST_CALL_CELLS = 1024,
    RESERVE_SHARE = 8, /* new routes leave an eighth of the arena to changes of cached ones */
    HELD_SHARE = 4,    /* programs may hold so many times max_bytes of replaced objects, or HELD_LEAST */
    HELD_LEAST = 16 << 20,
};

/* The control object of a replaced generation: its clients count in it until they switch. */
struct retired_control {
    struct region region;
    struct retired_name name;
    struct call_stats stats;
    uint64_t until;
    bool cut_off; /* of another layout: its clients will not switch, so it takes no more results */
};

struct writer {
    struct object_names names;
    struct generation now;
    struct generation_draft next; /* that will replace it */
    struct region left;           /* what is still mapped of the routes object that was replaced */
    struct retired_control retired[RETIRED_MAX];
    struct replaced replaced;
    struct postponed postponed;
    struct key_sketch dropped; /* by new generations */
    struct slot_set leaving;   /* of the current generation; the next one leaves them out */
    uint64_t leaving_units;    /* of their tables */
    bool leaving_soon;         /* a generation is made for that alone */
    uint64_t leaving_dropped;  /* tick of the last such one */
    uint32_t flag_cursor, miss_cursor;
    struct use_sums uses;
    bool (*judge)(void *context, const struct call_report *report);
    void *judge_context;
    struct event_queue events;
    uint32_t call_cells;   /* of the next control object */
    uint32_t former_cells; /* of the largest that a dead fetcher left; the first here may have fewer */
    uint64_t max_bytes;
    uint64_t no_space; /* tick of the last generation that found no space */
    enum refusing no_space_reason;
    uint64_t compacted;      /* tick of the last generation that was created without growing */
    uint64_t compaction_due; /* tick at which all of COMPACTIONS are free again */
    uint64_t spread;    /* tick of the last control object that was created to spread hosts in another way */
    uint64_t caught_up; /* tick of the last one that was created for postponed answers */
    uint32_t grace_ms, max_unknown;
    gid_t group;
    int lock;
};

static inline struct routes_header *writer_header(const struct writer *writer)
{
    return writer->now.publisher.routes.s_header;
}

/* ---- writer_calls.c ---- */

/* Adds what clients counted to the totals, and their samples of lookups to the sums. */
void writer_collect_lookups(struct writer *writer, const struct control *control);
void writer_collect_samples(struct writer *writer, const struct control *control);

/* Goes on with the list of the most used routes in the header; writes it. */
void writer_resume_uses(struct writer *writer);
void writer_publish_uses(struct writer *writer);

/* Collects the results of one control object. */
void writer_collect_object_calls(struct writer *writer, struct call_stats *stats, uint32_t budget);

/* Collects them for the last time: later ones are refused to the clients that report them. */
void writer_end_object_calls(struct writer *writer, struct call_stats *stats);

/* ---- writer_retired.c ---- */

/* Ends the oldest, until all together take no more than a share of a generation of so many bytes. */
void writer_bound_retired(struct writer *writer, uint64_t bytes);

/* Takes the control object of a replaced generation; the oldest makes room. */
void writer_retire_control(struct writer *writer, struct generation *replaced, struct retired_name name,
                           uint64_t now);

/* Collects what is in it, for the last time, and drops it. */
void writer_end_retired(struct writer *writer, struct retired_control *retired);

/*
 * True: fetchers before this one died before they could judge what their predecessors had left, and beside a routes object
 * and a control object of so many bytes another such control object is too much.
 */
bool writer_retired_pile_up(const struct writer *writer, uint64_t routes, uint64_t control);

/* Takes those that a dead fetcher has left. */
void writer_adopt_retired(struct writer *writer);

/* ---- writer_generation.c ---- */

/* A plan with the values that are the same for all generations of this fetcher. */
struct generation_plan writer_plan(struct writer *writer, const struct routes *source, uint64_t now);

/*
 * Sizes for this many keys and live units, `spare_units` on top, and three fifths more to grow into: index and arena are
 * used up by the same number of routes of four hosts. While the two generations exist side by side, they take 1.75 times
 * the larger object, with their control objects; with less to grow into it would be more. As far as max_bytes allows.
 */
void writer_plan_size(const struct writer *writer, uint64_t keys, uint64_t live_units, uint64_t spare_units,
                      struct generation_plan *plan);

/*
 * Begins to build the next generation, in place of one that is under way. If this or writer_continue() fails, none is, and an
 * event says why; SHM_FULL comes without one.
 */
enum shm_status writer_begin(struct writer *writer, const struct generation_plan *plan);

/* Does a part of the work, see generation_continue(). */
enum shm_status writer_continue(struct writer *writer, uint64_t work, bool *complete);

/*
 * Installs it once it is complete. Options and s_replaced as below. What a judge of results changes from now on is not in it, so
 * they are collected before it is completed.
 */
enum shm_status writer_install(struct writer *writer, struct routes_header *s_replaced,
                               const struct writer_options *options, uint64_t now);

/* Leaves what is under way. */
void writer_abandon(struct writer *writer);

/*
 * Builds and installs a generation. The current one, if any, is retired. `options` (NULL: no change) describe a
 * fetcher that starts; `s_replaced` is the header of the object that loses its name. SHM_FULL comes without an event.
 */
enum shm_status writer_switch(struct writer *writer, const struct generation_plan *plan,
                              struct routes_header *s_replaced, const struct writer_options *options,
                              uint32_t *damaged);

/* Creates one with the same routes and sizes; `call_cells` may have changed. */
enum shm_status writer_recreate(struct writer *writer, uint64_t now);

/* False, with an event: an object of so many bytes would get this process killed, and the next fetcher after it. */
bool writer_has_memory(struct writer *writer, uint64_t bytes);

/* Queues the event that an object of `needed` bytes has no room. */
void writer_report_space(struct writer *writer, enum event_kind kind, uint64_t needed, uint64_t available);

/* Bytes of replaced objects that programs may hold. */
uint64_t writer_held_most(const struct writer *writer);

/* They hold as much, or as many as can be watched. */
bool writer_holders_full(const struct writer *writer, struct replaced_held held);

/*
 * False, with an event: programs hold as much of replaced objects as they may. Checked before each object that users can
 * have replaced again and again, so that none who keeps them uses memory without a bound (G10).
 */
bool writer_may_replace(struct writer *writer, uint64_t now);

/* The tick from which on a generation may be made for the sake of routes that leave. */
static inline uint64_t writer_leaving_due(const struct writer *writer)
{
    return writer->leaving_dropped ? writer->leaving_dropped + LEAVING_MS : 0;
}

/* What the next generation will have of the current one. */
static inline uint64_t writer_staying_keys(const struct writer *writer)
{
    return writer->now.publisher.keys - writer->leaving.count;
}

static inline uint64_t writer_staying_units(const struct writer *writer)
{
    return writer->now.publisher.arena.live - writer->leaving_units;
}

/* ---- writer_control.c ---- */

/* What the next client needs: an object that is complete and has a valid header. Attached clients need neither. */
bool writer_control_usable(const struct writer *writer);

/* Creates another control object of the same size for the current routes. */
enum shm_status writer_renew_control(struct writer *writer, uint64_t now);

/* ---- writer_growth.c ---- */

/* Creates a generation without expired entries, unless one was created within COMPACT_MS. */
void writer_compact(struct writer *writer, uint64_t now);

/* True while no more keys without hosts may be remembered, although expired ones were dropped. */
bool writer_unknown_full(struct writer *writer, uint64_t now);

/*
 * Begins to create one with room for `more_units` more, and for another key if `new_key`; until it is installed, keys may use
 * what is left in the current one. If that is not enough, this is called again, and completes it. SHM_FULL: max_bytes
 * forbids it.
 */
enum shm_status writer_grow(struct writer *writer, uint32_t more_units, bool new_key, uint64_t now);

/* True if an arena of `units`, `live` of which are in use, has room for a new key's table beside its reserve. */
static inline bool writer_room_beside_reserve(uint64_t units, uint64_t live, uint32_t more_units)
{
    return live + more_units <= units - units / RESERVE_SHARE;
}

/* True if a new key's table has room in the current generation. While the next one is under way, its reserve counts. */
static inline bool writer_has_room_for_key(const struct writer *writer, uint32_t units)
{
    const struct arena *arena = &writer->now.publisher.arena;
    return writer_room_beside_reserve(writer->next.under_way ? writer->next.plan.arena_units : arena->units,
                                      arena->live, units);
}

/* False: max_bytes is reached, as far as new keys are concerned. */
bool writer_may_grow_for_keys(const struct writer *writer);

/* Begins one without the routes that leave, where that is wanted soon, or the object is half as large then. */
void writer_drop_leaving(struct writer *writer, uint64_t now);

/* ---- writer_leaving.c ---- */

/* The table of a slot takes other units now. */
void writer_resize_leaving(struct writer *writer, uint32_t slot, uint32_t before, uint32_t after);

/* ---- writer_routes.c ---- */

/* Sets the gauges of routes. */
void writer_recount(struct writer *writer);

#endif
