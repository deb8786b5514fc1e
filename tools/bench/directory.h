/* SPDX-License-Identifier: MIT */
/*
 * The directory's end of a fetcher's connection, in the measuring process. It answers with a fixture's hosts when the
 * suite says so. Answers go out with the next directory_take() or directory_flush().
 */
#ifndef TOOLS_BENCH_DIRECTORY_H
#define TOOLS_BENCH_DIRECTORY_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/frame.h"
#include "tools/dns/message.h"

enum {
    DIRECTORY_OUTPUT = 65536,
};

struct directory {
    in_port_t port; /* on loopback, host order */
    int listener, fd;
    struct frame_stream input;
    uint32_t used; /* of `output` */
    uint8_t output[DIRECTORY_OUTPUT + FRAME_HEADER + RESPONSE_MAX + ANSWER_VERSION_MAX];
};

/* Listens on a port that the kernel chooses. False: said on stderr. Close it in any case. */
bool directory_open(struct directory *directory);
void directory_close(struct directory *directory);

/* The fetcher's connection. False: none in time, said on stderr; or bench_stopped(). */
bool directory_accept(struct directory *directory);

/* The next request. False: none within `timeout_ms`. */
bool directory_take(struct directory *directory, int timeout_ms, uint32_t *route);

/* Answers with the route's hosts: HOSTS_MAX at most, `shift` ports higher than usual; and with a version, for without
 * one a fetcher does not believe at once what a directory takes away soon after a start. False: the connection is
 * broken. */
bool directory_answer(struct directory *directory, uint32_t route, uint32_t hosts, uint32_t shift);
bool directory_flush(struct directory *directory);

/* Answers all requests until none has come for `quiet_ms`. Returns how many. */
uint32_t directory_serve(struct directory *directory, uint32_t hosts, int quiet_ms);

#endif
