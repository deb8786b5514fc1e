/* SPDX-License-Identifier: MIT */
/* What every object begins with, so that another kind of object or another layout is recognised. */
#ifndef SHM_OBJECT_ID_H
#define SHM_OBJECT_ID_H

#include "shm/layout.h"
#include "shm/region.h"

/* Fills the first 32 bytes of a new object, which has no name yet. Its size is that of the region. A hosts object
 * says the layout that was released before, which it still has, so that a fetcher of that release imports its
 * records. */
void object_id_format(struct object_id *s_id, uint64_t magic, const struct region *region,
                      uint64_t generation);

enum layout_accepted {
    LAYOUT_OWN,
    LAYOUT_ADOPTABLE, /* or the one that was released before */
};

/* Checks the first 32 bytes of any object. `least` is the smallest size that makes sense. */
enum shm_status object_id_check(const struct object_id *s_id, uint64_t magic, uint64_t least,
                                const struct region *region, enum layout_accepted accepted);

#endif
