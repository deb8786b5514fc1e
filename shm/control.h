/* SPDX-License-Identifier: MIT */
/* The control object: where its parts are. Geometry comes from the routes object, which clients cannot write; the
 * header of this one only has to agree. */
#ifndef SHM_CONTROL_H
#define SHM_CONTROL_H

#include "shm/hbitmap.h"
#include "shm/routes.h"

struct control_shape {
    uint32_t slot_count; /* of the routes object */
    uint32_t call_cells;
    uint64_t hash_seed; /* spreads hosts over call cells; of the routes object, in struct control of this one */
};

static inline struct control_shape control_shape(const struct routes *routes)
{
    return (struct control_shape){routes_slot_count(routes), routes->call_cells, routes->hash_seed};
}

struct control {
    struct control_header *s_header;
    struct lookup_cell *s_lookups; /* [LOOKUP_CELLS] */
    _Atomic uint64_t *s_misses;    /* [MISS_CELLS] */
    struct hbitmap stale;          /* slots whose tables have expired and are in demand */
    _Atomic uint32_t *s_probes;    /* [slot_count] */
    struct hbitmap reported;       /* call cells with new results */
    /* NULL, these two: the object is of the layout that was released before, which has none. */
    struct use_cell *s_uses; /* [USE_CELLS] */
    /* [call_cells] each. */
    _Atomic uint64_t *s_successes[CALL_SHARDS];
    struct call_cell *s_calls; /* [call_cells] */
    struct control_shape shape;
};

/* The number of the control object that goes with a routes object now. One of the released layout has that of its
 * generation. */
uint64_t control_number(const struct routes_header *s_header);

/* Bytes of a control object of this shape; and of one of the layout that was released before. */
uint64_t control_size(struct control_shape shape);
uint64_t control_released_size(struct control_shape shape);

/* Writes the header of a new, zeroed object. */
void control_format(const struct region *region, struct control_shape shape, uint64_t number);

/*
 * Checks that the object has this number, see control_number(), and the shape of the routes object, then fills *out.
 * SHM_NO_OBJECT: it has another one, and is about to be replaced, or belongs to another generation.
 */
enum shm_status control_attach(const struct region *region, struct control_shape shape, uint64_t number,
                               struct control *out);

/* Likewise, for a fetcher that collects what is left in it: accepts the layout that was released before, too. */
enum shm_status control_adopt(const struct region *region, struct control_shape shape, uint64_t number,
                              struct control *out);

struct lookup_counts {
    uint64_t lookups, missed, expired;
};

/* The lookup counts that no fetcher has collected yet; leaves them. For the inspection tool. */
struct lookup_counts control_lookups(const struct control *control);

#endif
