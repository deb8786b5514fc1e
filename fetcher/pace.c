/* SPDX-License-Identifier: MIT */
#include "fetcher/pace.h"

uint32_t pace_next(struct pace *pace, uint64_t counted, uint32_t poll_interval_ms, uint64_t now)
{
    if (counted != pace->counted || pace->changed == 0)
        *pace = (struct pace){.counted = counted, .changed = now};
    if (now < pace->changed + PACE_QUIET_MS || poll_interval_ms > PACE_IDLE_MS)
        return poll_interval_ms;
    return PACE_IDLE_MS;
}
