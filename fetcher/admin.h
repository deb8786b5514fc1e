/* SPDX-License-Identifier: MIT */
/*
 * The admin socket: operators' commands (admin_commands.h) over a Unix stream socket, one line of JSON each way. A
 * request has at most ADMIN_LINE_MAX bytes. Requests of one peer are carried out one after the other: while an answer
 * is not read, nothing more is read from that peer. A peer that takes longer than ADMIN_TIMEOUT_MS
 * to send a request and to read its answer is dropped. A peer above ADMIN_PEERS_MAX gets an error, and its connection ends.
 */
#ifndef FETCHER_ADMIN_H
#define FETCHER_ADMIN_H

#include <uv.h>

#include "fetcher/admin_commands.h"

enum {
    ADMIN_LINE_MAX = 65536, /* with its newline */
    ADMIN_PEERS_MAX = 100,
    ADMIN_TIMEOUT_MS = 10000,
};

struct admin;

/* `configured` is the socket's path, or "". If there can be none the log says why, and the fetcher works without it.
 * NULL: out of memory. `instance`, `configured` and `targets` must outlive it. */
struct admin *admin_start(uv_loop_t *loop, const char *instance, const char *configured,
                          const struct admin_targets *targets);

/* Periodic maintenance: drops peers whose time is over, and makes a socket again that is not there. NULL is fine, here and below. */
void admin_maintain(struct admin *admin, uint64_t now);

/* Closes everything and removes the socket. Freed once libuv has closed its handles. */
void admin_stop(struct admin *admin);

#endif
