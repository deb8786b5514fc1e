/* SPDX-License-Identifier: MIT */
#include "reader/change_watch.h"
#include "shm/clock.h"

int larshm_wait_change(larshm *h, uint64_t *since, int timeout_ms)
{
    uint64_t start = clock_tick();
    for (;;) {
        struct change_watch watch;
        change_watch_begin(h, &watch);
        uint64_t waited = clock_tick() - start, left = UINT64_MAX;
        bool changed = watch.count != *since;
        if (timeout_ms >= 0)
            left = (uint64_t)timeout_ms > waited ? (uint64_t)timeout_ms - waited : 0;
        if (!changed && left != 0)
            change_watch_sleep(h, &watch, 0, left);
        change_watch_end(h, &watch);
        if (changed) {
            *since = watch.count;
            return LARSHM_OK;
        }
        if (left == 0)
            return LARSHM_TIMEOUT;
    }
}
