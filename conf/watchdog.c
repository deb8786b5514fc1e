/* SPDX-License-Identifier: MIT */
#include "conf/watchdog.h"

#include "conf/notify.h"

enum {
    PER_PERIOD = 3 /* two may be late */
};

static void feed(uv_timer_t *timer)
{
    (void)timer;
    notify("WATCHDOG=1");
}

void watchdog_start(uv_timer_t *timer, uv_loop_t *loop)
{
    uint64_t period_ms = notify_watchdog_ms();
    uv_timer_init(loop, timer);
    uv_unref((uv_handle_t *)timer);
    if (period_ms)
        uv_timer_start(timer, feed, 0, period_ms < PER_PERIOD ? 1 : period_ms / PER_PERIOD);
}
