/* SPDX-License-Identifier: MIT */
#include "shm/object_id.h"

/* Version and fingerprint together name a layout. */
static bool is_released(uint32_t version, uint32_t fingerprint)
{
    return version == LAYOUT_RELEASED && fingerprint == FINGERPRINT_RELEASED;
}

static bool is_own(uint64_t magic, uint32_t version, uint32_t fingerprint)
{
    return magic == HOSTS_MAGIC ? is_released(version, fingerprint)
                                : version == LAYOUT_VERSION && fingerprint == layout_fingerprint();
}

void object_id_format(struct object_id *s_id, uint64_t magic, const struct region *region,
                      uint64_t generation)
{
    *s_id = (struct object_id){
        .magic = magic,
        .layout_version = magic == HOSTS_MAGIC ? LAYOUT_RELEASED : LAYOUT_VERSION,
        .fingerprint = magic == HOSTS_MAGIC ? FINGERPRINT_RELEASED : layout_fingerprint(),
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
    if (!is_own(magic, s_id->layout_version, s_id->fingerprint) &&
        !(accepted == LAYOUT_ADOPTABLE && is_released(s_id->layout_version, s_id->fingerprint)))
        return SHM_LAYOUT;
    if (s_id->size > region->size || region->size < least)
        return SHM_SHORT;
    return SHM_OK;
}
