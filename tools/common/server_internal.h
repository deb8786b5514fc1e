/* SPDX-License-Identifier: MIT */
/*
 * What the server's halves share: server.c admits peers and closes those that keep it waiting, peer.c talks to
 * them. The first calls the second, never the other way.
 */
#ifndef TOOLS_COMMON_SERVER_INTERNAL_H
#define TOOLS_COMMON_SERVER_INTERNAL_H

#include <stdbool.h>
#include <sys/queue.h>

#include "conf/address.h"
#include "conf/log.h"
#include "tools/common/server.h"
#include "tools/common/source.h"

enum {
    READ_SIZE = 65536,
};

/* What the log says of peers: one line a second for each kind. */
enum complaint {
    COMPLAINT_ACCEPT,  /* a connection could not be accepted */
    COMPLAINT_ALLOW,   /* refused by its address */
    COMPLAINT_ADDRESS, /* too many from one address */
    COMPLAINT_FULL,    /* too many in all */
    COMPLAINT_TIME,    /* it kept the server waiting */
    COMPLAINT_LONG,    /* what it sent is skipped */
    COMPLAINT_FRAME,   /* what it sent ends the connection */
    COMPLAINTS
};

struct peer {
    uv_tcp_t socket; /* its `data` is the peer */
    struct server *server;
    struct source *source;
    void *client;
    struct frame_stream input;
    bool talked;          /* it has sent a frame */
    uint64_t opened;      /* ms of the loop */
    uint64_t unfinished;  /* ms when its unfinished frame began; 0: there is none */
    struct block *output; /* NULL: nothing to write */
    bool writing;
    uint32_t position; /* see peer_position() */
    TAILQ_ENTRY(peer) link;
    char name[ADDRESS_TEXT_SIZE]; /* of the other end, for the log */
};

TAILQ_HEAD(peers, peer);

struct server {
    int fd;         /* that listens */
    uv_poll_t poll; /* its `data` is the server, as those of the timers */
    uv_timer_t resume, second;
    struct server_handler handler;
    struct server_limits limits;
    struct peers silent, talking; /* silent: has not sent a frame yet, longest first */
    void *sources;                /* see source.h */
    size_t count, max;            /* of peers */
    struct log_limit logged[COMPLAINTS];
    uint8_t arrived[READ_SIZE];
};

/* Begins to read. The peer has its socket. Returns libuv's error, with the peer still to be closed. */
int peer_start(struct peer *peer);

void peer_close(struct peer *peer);

/* Closes it and logs why. */
void peer_refuse(struct peer *peer, enum complaint complaint, const char *reason);

#endif
