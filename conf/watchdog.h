/* SPDX-License-Identifier: MIT */
/* Tells the service manager that a loop turns, as often as it wants to hear that: one that hangs is ended by it. */
#ifndef CONF_WATCHDOG_H
#define CONF_WATCHDOG_H

#include <uv.h>

/* Initialises the timer, which is the caller's to close, and does not keep the loop running by itself. */
void watchdog_start(uv_timer_t *timer, uv_loop_t *loop);

#endif
