/* SPDX-License-Identifier: MIT */
#include "shm/object_id.h"

void object_id_format(struct object_id *s_id, uint64_t magic, const struct region *region,
                      uint64_t generation)
{
    *s_id = (struct object_id){
        .magic = magic,
        .layout_version = LAYOUT_VERSION,
        .fingerprint = layout_fingerprint(),
        .size = region->size,
        .generation = generation,
    };
}

enum shm_status object_id_check(const struct object_id *s_id, uint64_t magic, uint64_t least,
                                const struct region *region, enum layout_accepted accepted)
{
    /* Plain loads: constant since before the object had its name. */
    if (region->size < sizeof(*s_id))
        return SHM_SHORT;
    if (s_id->magic != magic)
        return SHM_NOT_LARSHM;
    bool own = s_id->layout_version == LAYOUT_VERSION && s_id->fingerprint == layout_fingerprint();
    bool released = s_id->layout_version == LAYOUT_RELEASED && s_id->fingerprint == FINGERPRINT_RELEASED;
    if (!own && !(released && accepted == LAYOUT_ADOPTABLE))
        return SHM_LAYOUT;
    if (s_id->size > region->size || region->size < least)
        return SHM_SHORT;
    return SHM_OK;
}
