/* SPDX-License-Identifier: MIT */
/*
 * Converts between wire and tables, field by field: what comes takes no memory beyond the answer, whatever it says.
 */
#ifndef FETCHER_DECODE_H
#define FETCHER_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/field.h"
#include "proto/frame.h"
#include "proto/message_id.h"
#include "shm/host_addr.h"
#include "shm/layout.h"

enum {
    REQUEST_MAX = FRAME_HEADER + FIELD_ROUTE_MAX + 6, /* bytes of an encoded request */
    REPORT_HEAD_MAX = 39, /* of a report's body without results: three int32 and a uint32 */
    RESULT_MAX = 31,      /* of a result in it */
    RESULTS_PER_FRAME = (FRAME_BODY_MAX - REPORT_HEAD_MAX) / RESULT_MAX,
};

/* A directory's answer: the contents of a table. */
struct answer {
    struct route_key key;
    uint32_t count;    /* hosts that can be used, sorted, each once */
    uint32_t unusable; /* hosts that were dropped: no usable address or port */
    bool has_version;  /* the directory says how new its routes are: */
    uint64_t version;
    bool behind;                           /* the caller's */
    struct host_addr hosts[2 * HOSTS_MAX]; /* decode_answer() uses all of it, to find repeats */
};

enum decode_result {
    DECODE_OK,
    DECODE_BAD,      /* it does not decode, or has hosts but none that can be used */
    DECODE_TOO_MANY, /* more hosts than a table holds; the key is right */
};

/* The results of a route's hosts for the report service. */
struct host_result;
struct status_report {
    struct route_key key;
    uint32_t caller, time;             /* IPv4 address as a number; Unix seconds */
    const struct host_result *results; /* see balance.h */
    uint32_t count;                    /* RESULTS_PER_FRAME at most */
};

/* Encodes a whole frame that requests a route; returns its size. max_frame: the longest body that is taken, for
 * larshm-dns; 0: not said. */
size_t encode_request(struct route_key key, uint32_t max_frame, uint8_t out[static REQUEST_MAX]);

/* How large the frame of a report with so many results can be. */
static inline size_t report_frame_max(uint32_t count)
{
    return FRAME_HEADER + REPORT_HEAD_MAX + (size_t)count * RESULT_MAX;
}

/* Encodes a report as a whole frame; returns its size, report_frame_max() at most. */
size_t encode_report(const struct status_report *report, uint8_t *out);

/* Decodes a GetRouteResponse. *out holds an answer only with DECODE_OK. */
enum decode_result decode_answer(const uint8_t *body, size_t size, struct answer *out);

/* The route of a message of which only the start is known. False: the start does not say. */
bool decode_route(const uint8_t *start, size_t size, struct route_key *key);

#endif
