/* SPDX-License-Identifier: MIT */
/* The sd_notify protocol: a datagram to the socket that the service manager names. */
#ifndef CONF_NOTIFY_H
#define CONF_NOTIFY_H

/* Sends `message`, e.g. "READY=1\nSTATUS=...". Does nothing without a service manager, or if it does not listen. */
void notify(const char *message);

#endif
