/* SPDX-License-Identifier: MIT */
/* The sd_notify protocol: a datagram to the socket that the service manager names. */
#ifndef CONF_NOTIFY_H
#define CONF_NOTIFY_H

#include <stdint.h>

/* Sends `message`, e.g. "READY=1\nSTATUS=...". Does nothing without a service manager, or if it does not listen. */
void notify(const char *message);

/* How often the service manager wants "WATCHDOG=1" of this process at least, in milliseconds. 0: it does not watch it. */
uint64_t notify_watchdog_ms(void);

#endif
