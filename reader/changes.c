/* SPDX-License-Identifier: MIT */
#include "shm/changes.h"

#include "reader/lookup.h"
#include "reader/mapping.h"

int larshm_next_change(larshm *h, uint64_t *since, uint32_t *modid, uint32_t *cmdid)
{
    struct route_key key;
    mapping_tidy(h); /* the thread of larshm_change_fd() leaves that to others */
    int code = (int)changes_next(&lookup_enter(h)->routes, since, &key);
    lookup_end();
    if (code == LARSHM_OK) {
        *modid = key.modid;
        *cmdid = key.cmdid;
    }
    return code;
}
