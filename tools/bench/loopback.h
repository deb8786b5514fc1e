/* SPDX-License-Identifier: MIT */
/* Sockets on 127.0.0.1. Where one fails the result is -1, and errno says why. */
#ifndef TOOLS_BENCH_LOOPBACK_H
#define TOOLS_BENCH_LOOPBACK_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/types.h>

#include "proto/frame.h"

/* Binds a socket of the type to *port; for port 0 the kernel chooses one, and *port becomes that. */
int loopback_bind(int type, in_port_t *port);

int loopback_connect(int type, in_port_t port);

/* Accepts a connection that sends without delay. `flags` as for accept4(). */
int loopback_accept(int listener, int flags);

/* False: nothing came in time. */
bool loopback_readable(int fd, int timeout_ms);

/* Receives what is there and appends it: its size, or 0 at the end of the connection. */
ssize_t loopback_receive(int fd, struct frame_stream *input);

#endif
