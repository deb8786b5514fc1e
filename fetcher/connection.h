/* SPDX-License-Identifier: MIT */
/*
 * A TCP connection that is kept up: retried forever, with backoff and jitter; bytes in, frames out; a bounded number of
 * bytes on their way to the peer. Knows frames, not messages.
 */
#ifndef FETCHER_CONNECTION_H
#define FETCHER_CONNECTION_H

#include <stdbool.h>
#include <uv.h>

#include "conf/config.h"
#include "fetcher/servers.h"
#include "proto/frame.h"
#include "shm/layout.h"

enum {
    CONNECTION_ADDRESS_SIZE = CONFIG_HOST_SIZE + 64,
};

struct connection;

/* Who the peer is, and the callbacks for its events. A function that is NULL is not called. */
struct connection_role {
    const char *peer;  /* what the log calls it */
    uint32_t quiet_ms; /* between log lines that say it is away, in addition to the second of log.h */
    void (*up)(void *context);
    void (*down)(void *context);
    /* Bytes came: the peer is there. Needed beside `frame`. */
    void (*bytes)(void *context);
    /* NULL: received bytes are discarded. */
    void (*frame)(void *context, const struct frame *frame);
    /* The frames that those bytes have ended were given to `frame`. Needed beside it. */
    void (*taken)(void *context);
    /* A frame that is longer than max_frame has begun, and is skipped; as for FRAME_LONG. Needed beside `frame`. */
    void (*long_frame)(void *context, const struct frame *frame);
    /* A negative length came; the connection is closed. */
    void (*bad_frame)(void *context);
    /* For people. */
    void (*state)(void *context, enum connection_state state);
};

/* Leads to the server in use. `servers` and `timing` are read at each attempt and may change in between; `role` stays. Does
 * not connect yet. NULL: no memory. */
struct connection *connection_new(uv_loop_t *loop, struct servers *servers, const struct config *timing,
                                  const struct connection_role *role, void *context);

void connection_start(struct connection *connection);

/* Closes the connection, or the attempt, and tries the next server after the backoff. `why` is logged. */
void connection_drop(struct connection *connection, const char *why);

/* Another server is in use: drops the old one, whatever is under way, and connects to the new one at once. */
void connection_redirect(struct connection *connection);

/* On an operator's word: looks the peer's name up, and connects again if it no longer leads to the address in use. Ends a
 * backoff. */
void connection_look_up_again(struct connection *connection);

/* A program waits for what the peer has: ends a backoff, but no sooner than a second or two after the attempt before. How long
 * is drawn for each, so that machines on which programs wait do not get into step. */
void connection_hurry(struct connection *connection);

/* How many bytes connection_send() accepts now. */
size_t connection_room(const struct connection *connection);

/* Copies bytes into the output; they leave at the next flush. */
void connection_send(struct connection *connection, const void *bytes, size_t size);
void connection_flush(struct connection *connection);

/* The tick since which a flush is not completely written; 0: nothing is on its way. */
uint64_t connection_writing_since(const struct connection *connection);

/* The peer has answered: the next backoff starts small again. */
void connection_proved(struct connection *connection);

/* As servers_patience(). */
enum patience connection_patience(const struct connection *connection);

/* The servers, to be read and told about; connection_redirect() after another one of them was chosen. */
struct servers *connection_servers(const struct connection *connection);

/* "host:port" of the server that is being tried, or is connected; of a name then " (address)", too. */
const char *connection_address(const struct connection *connection);

/* The IPv4 address of this end, as a number; 0: there is none. */
uint32_t connection_own_ip(const struct connection *connection);

/* Closes everything; the memory is freed when the loop has run its callbacks. NULL is fine. */
void connection_stop(struct connection *connection);

#endif
