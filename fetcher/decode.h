/* SPDX-License-Identifier: MIT */
/* Between wire and tables. The only file that knows the generated message types is decode.c. */
#ifndef FETCHER_DECODE_H
#define FETCHER_DECODE_H

#include <stddef.h>
#include <stdint.h>

#include "proto/frame.h"
#include "shm/host.h"
#include "shm/layout.h"

enum {
    MESSAGE_GET_ROUTE_REQUEST = 1,
    MESSAGE_GET_ROUTE_RESPONSE = 2,
    REQUEST_MAX = FRAME_HEADER + 32, /* bytes of an encoded request */
};

/* A directory's answer: what a table is made of. */
struct answer {
    uint64_t key;
    uint32_t count;    /* hosts that can be used, sorted, each once */
    uint32_t unusable; /* hosts that were left out: no address or port to connect to */
    struct host hosts[HOSTS_MAX];
};

/* Encodes a whole frame that asks for a route; returns its size. */
size_t encode_request(uint64_t key, uint8_t out[static REQUEST_MAX]);

/* Decodes a GetRouteResponse. 0; or -1: it does not decode, or has hosts but none that can be used. */
int decode_answer(const uint8_t *body, size_t size, struct answer *out);

#endif
