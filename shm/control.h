/* SPDX-License-Identifier: MIT */
/* The control object: where its parts are. Geometry comes from the routes object, which clients cannot write; the
 * header of this one only has to agree. */
#ifndef SHM_CONTROL_H
#define SHM_CONTROL_H

#include "shm/layout.h"
#include "shm/region.h"

struct control {
    struct control_header *s_header;
    struct lookup_cell *s_lookups; /* [LOOKUP_CELLS] */
    _Atomic uint64_t *s_misses;    /* [MISS_CELLS] */
    _Atomic uint64_t *s_flags[3];  /* [words[level]] */
    uint32_t words[3];
    uint32_t slot_count;
};

/* Bytes of a control object for so many slots. */
uint64_t control_size(uint32_t slot_count);

/* Writes the header of a new, zeroed object. */
void control_format(const struct region *region, uint32_t slot_count, uint64_t generation);

/*
 * Checks that the object is the partner of routes object `generation` with `slot_count` slots, then fills *out.
 * SHM_NO_OBJECT: it belongs to another generation, a hand-over is under way.
 */
enum shm_status control_attach(const struct region *region, uint32_t slot_count, uint64_t generation,
                               struct control *out);

struct lookup_counts {
    uint64_t lookups, missed, expired;
};

/* The lookup counts that no fetcher has taken yet; takes nothing. For the inspection tool. */
struct lookup_counts control_lookups(const struct control *control);

#endif
