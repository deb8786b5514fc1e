/* SPDX-License-Identifier: MIT */
#include "shm/changes.h"

#include "reader/lookup.h"
#include "reader/mapping.h"
#include "reader/silence.h"
#include "shm/clock.h"

int larshm_next_change(larshm *h, uint64_t *since, uint32_t *modid, uint32_t *cmdid)
{
    struct route_key key;
    mapping_tidy(h); /* the thread of larshm_change_fd() leaves that to others */
    struct mapping *mapping = lookup_enter(h);
    int code = (int)changes_next(&mapping->routes, since, &key);
    bool silent = code == LARSHM_END && silence_ms(mapping) > SILENT_MS;
    lookup_end();
    if (silent)
        lookup_renew_silent(h, clock_tick());
    if (code == LARSHM_OK) {
        *modid = key.modid;
        *cmdid = key.cmdid;
    }
    return code;
}
