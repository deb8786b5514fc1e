/* SPDX-License-Identifier: MIT */
#include "reader/lookup.h"
#include "reader/mapping.h"
#include "reader/silence.h"
#include "shm/changes.h"
#include "shm/clock.h"
#include "shm/doorbell.h"

enum {
    SLICE_MS = 1000
};

int larshm_wait_change(larshm *h, uint64_t *since, int timeout_ms)
{
    uint64_t start = clock_tick();
    for (;;) {
        struct mapping *mapping = lookup_enter(h);
        /* The bell first: a ring in between is not missed. */
        uint32_t bell = doorbell_count(&mapping->routes);
        uint64_t count = changes_count(&mapping->routes);
        mapping_pin(mapping);
        lookup_end();
        uint64_t waited = clock_tick() - start, left = SLICE_MS;
        bool changed = count != *since, over = timeout_ms >= 0 && waited >= (uint64_t)timeout_ms;
        if (timeout_ms >= 0 && !over && (uint64_t)timeout_ms - waited < left)
            left = (uint64_t)timeout_ms - waited;
        if (!changed && !over)
            doorbell_wait(&mapping->routes, bell, (uint32_t)left);
        bool silent = silence_ms(mapping) > SILENT_MS;
        mapping_unpin(h, mapping);
        if (changed) {
            *since = count;
            return LARSHM_OK;
        }
        if (over)
            return LARSHM_TIMEOUT;
        if (silent)
            mapping_renew(h);
    }
}
