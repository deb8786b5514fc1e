/* SPDX-License-Identifier: MIT */
/*
 * A directory that does what a test says, well-behaved or not. It lives in the test's process and talks to one
 * connection at a time. Every wait ends: a test that waits for what does not come fails.
 */
#ifndef TESTS_SUPPORT_DIRECTORY_H
#define TESTS_SUPPORT_DIRECTORY_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/frame.h"
#include "shm/layout.h"

struct directory {
    in_port_t port;
    int reserved; /* keeps the port for this test while nothing listens */
    int listener; /* -1: connections are refused */
    int clog;     /* fills the queue of connections to be accepted; -1: nothing does */
    int fd;       /* the connection accepted last; -1: none */
    struct frame_stream input;
    bool of_several; /* answers requests for the version row itself, as fetchers of several directories make them */
    uint32_t version; /* what the row tells; 0: there is none */
};

/* A host as it goes over the wire, wrong in any way that two int32 can be. */
struct wire_host {
    int32_t ip, port;
};

/* 10.0.0.last:port */
static inline struct wire_host wire_host(int last, int port)
{
    return (struct wire_host){0x0a000000 + last, port};
}

/* Takes a port that the kernel chooses; connections are refused until directory_listen(). */
void directory_open(struct directory *directory);
void directory_close(struct directory *directory);

void directory_listen(struct directory *directory);
/* Ends the connection and refuses new ones. */
void directory_refuse(struct directory *directory);

/* Leaves attempts to connect unanswered, as a machine does that is gone, until directory_unclog(). */
void directory_clog(struct directory *directory);
void directory_unclog(struct directory *directory);

/* The next connection takes the place of the one before, which is closed. */
void directory_accept(struct directory *directory);
/* Likewise; false: none came in time. */
bool directory_accepts(struct directory *directory, int timeout_ms);

/* Takes the next request. False: none came in time, or the connection has ended. */
bool directory_takes(struct directory *directory, int timeout_ms, struct route_key *key);
/* The next request is for this route. */
void directory_expect(struct directory *directory, uint32_t modid, uint32_t cmdid);
/* No request comes for so long. */
void directory_expect_nothing(struct directory *directory, int ms);
/* The fetcher ends the connection; requests that come before are of no interest. */
void directory_expect_end(struct directory *directory);
/* Likewise; false: not in time. */
bool directory_ended(struct directory *directory, int timeout_ms);

/* To a fetcher that has closed the connection nothing is sent. */
void directory_send(struct directory *directory, const void *bytes, size_t size);
void directory_answer(struct directory *directory, uint32_t modid, uint32_t cmdid,
                      const struct wire_host *hosts, size_t count);
/* An answer that tells the directory's version, which those of Lars do not. */
void directory_answer_at(struct directory *directory, uint64_t version, uint32_t modid, uint32_t cmdid,
                         const struct wire_host *hosts, size_t count);
/* An answer without hosts. */
void directory_deny(struct directory *directory, uint32_t modid, uint32_t cmdid);

/* Ends the connection cleanly (FIN), or not (RST). */
void directory_hang_up(struct directory *directory);
void directory_reset(struct directory *directory);

/* The frame of an answer; returns its size, answer_frame_max() at most. */
size_t answer_frame(uint8_t *out, uint32_t modid, uint32_t cmdid, const struct wire_host *hosts,
                    size_t count);

/* Key and host as large as they can be: a port may be wrong. */
static inline size_t answer_frame_max(size_t count)
{
    return FRAME_HEADER + 22 + count * 24;
}

#endif
