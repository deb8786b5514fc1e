/* SPDX-License-Identifier: MIT */
/*
 * A TCP server for Lars frames: accepts, cuts what arrives into frames, and writes with bounded memory. What the
 * frames mean is the handler's business.
 *
 * Output is pulled, not pushed: when a peer can take more, `fill` is called and adds frames as long as
 * peer_reserve() gives room. For a peer that does not read, `fill` is not called: it costs one block of output at
 * most.
 */
#ifndef TOOLS_COMMON_SERVER_H
#define TOOLS_COMMON_SERVER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "proto/frame.h"
#include "tools/common/network.h"

struct server;
struct peer;

enum {
    SERVER_BODY_MAX = 192 << 10, /* bytes of the longest body that is sent */
};

struct server_handler {
    /* A peer has connected. Returns what the other calls get as `client`; NULL closes the connection. */
    void *(*open)(void *arg, struct peer *peer);
    /* A frame came, valid during the call. Returns NULL, or why to close the connection, for the log. */
    const char *(*frame)(void *client, const struct frame *frame);
    /* The peer can take frames. */
    void (*fill)(void *client);
    /* The connection has ended; `client` and the peer are not used any more. */
    void (*close)(void *client);
    void *arg;
};

/* Which peers are served, and for how long they may keep the server waiting. */
struct server_limits {
    struct network *allowed; /* none: all are */
    size_t allowed_count;
    uint32_t per_address;   /* connections; 0: seven eighths of all */
    uint32_t idle_seconds;  /* until a peer has sent its first frame; 0: any time */
    uint32_t frame_seconds; /* from a frame's first byte to its last; 0: any time */
};

/* Listens. Returns 0, or libuv's negative error with nothing left behind. *bound is the address in use. `limits`
 * stays the caller's. */
int server_start(struct server **out, uv_loop_t *loop, const struct sockaddr_in *address,
                 const struct server_limits *limits, const struct server_handler *handler,
                 struct sockaddr_in *bound);

/* Closes the listening socket and all connections. The memory goes with server_free() after the loop has ended. */
void server_stop(struct server *server);
void server_free(struct server *server);

/*
 * Inside `fill`: room for the body of one frame, SERVER_BODY_MAX bytes, or NULL when the peer should take first
 * what it has. peer_commit() sends what was written there; without it the room is simply given again.
 */
uint8_t *peer_reserve(struct peer *peer);
void peer_commit(struct peer *peer, int32_t id, uint32_t length);

/* The other end has closed the connection, which may not be read yet behind other peers. What it has requested need not be
 * answered: it has requested that elsewhere by now. */
bool peer_has_left(const struct peer *peer);

/* The address of the other end, for the log. */
const char *peer_name(const struct peer *peer);

/* How many bytes were committed, modulo 2^32; and how many of them the other end's kernel has not acknowledged yet. */
uint32_t peer_position(const struct peer *peer);
size_t peer_backlog(const struct peer *peer);

/* There is something to send: calls `fill` now if the peer can take frames; otherwise that comes by itself. */
void peer_wake(struct peer *peer);

#endif
