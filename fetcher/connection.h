/* SPDX-License-Identifier: MIT */
/*
 * A TCP connection that is kept up: tried for ever, with backoff and jitter; bytes in, frames out; a bounded amount of
 * bytes on their way to the peer. Knows frames, not messages.
 */
#ifndef FETCHER_CONNECTION_H
#define FETCHER_CONNECTION_H

#include <stdbool.h>
#include <uv.h>

#include "conf/config.h"
#include "proto/frame.h"
#include "shm/layout.h"

struct connection;

/* Who the peer is, and what is to be done about it. A function that is NULL is not called. */
struct connection_role {
    const char *peer;  /* what the log calls it */
    uint32_t quiet_ms; /* after the log has said that it is away, beyond the second that log.h has */
    void (*up)(void *context);
    void (*down)(void *context);
    /* NULL: whatever comes is thrown away. */
    void (*frame)(void *context, const struct frame *frame);
    /* A length that the protocol forbids came; the connection is closed. */
    void (*bad_frame)(void *context);
    /* For people. */
    void (*state)(void *context, enum connection_state state);
};

/* `peer` and `timing` are read at each attempt and may change in between; `role` stays. Does not connect yet. NULL: no
 * memory. */
struct connection *connection_new(uv_loop_t *loop, const struct config_peer *peer,
                                  const struct config *timing, const struct connection_role *role,
                                  void *context);

void connection_start(struct connection *connection);

/* Closes the connection that is up, or being made, and tries again after the backoff. `why` is logged. */
void connection_drop(struct connection *connection, const char *why);

/* The peer is another one now: leaves the old one, whatever is under way, and tries the new one at once. */
void connection_redirect(struct connection *connection);

/* Bytes that connection_send() takes now. */
size_t connection_room(const struct connection *connection);

/* Copies bytes into the output; they leave at the next flush. */
void connection_send(struct connection *connection, const void *bytes, size_t size);
void connection_flush(struct connection *connection);

/* The tick since when the peer has not taken all of what was flushed; 0: nothing is on its way. */
uint64_t connection_writing_since(const struct connection *connection);

/* The peer is a good one: the next backoff starts small again. */
void connection_proved(struct connection *connection);

/* The IPv4 address of this end, as a number; 0: there is none. */
uint32_t connection_own_ip(const struct connection *connection);

bool connection_same_peer(const struct config_peer *a, const struct config_peer *b);

/* Closes everything; the memory goes when the loop has run its callbacks. NULL is fine. */
void connection_stop(struct connection *connection);

#endif
