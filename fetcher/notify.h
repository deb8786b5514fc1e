/* SPDX-License-Identifier: MIT */
/* The sd_notify protocol, by hand: a datagram to the socket that the service manager names. */
#ifndef FETCHER_NOTIFY_H
#define FETCHER_NOTIFY_H

/* Sends `message`, e.g. "READY=1\nSTATUS=...". Without a service manager, or when it does not listen, nothing. */
void notify(const char *message);

#endif
