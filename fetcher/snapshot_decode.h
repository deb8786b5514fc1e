/* SPDX-License-Identifier: MIT */
/*
 * Reads a snapshot, see snapshot_format.h: any bytes are a whole one, every record of which is valid, or are refused.
 * Times become ticks by the calendar. Where the clock says that no time has passed since the snapshot, none has: it was
 * set back. What is older than ticks go is as old as they go.
 */
#ifndef FETCHER_SNAPSHOT_DECODE_H
#define FETCHER_SNAPSHOT_DECODE_H

#include <stddef.h>

#include "shm/layout.h"
#include "shm/writer/route_source.h"

struct snapshot_decoder {
    const uint8_t *bytes;   /* stay the caller's */
    size_t size, start, at; /* start: of the records */
    uint64_t written;       /* Unix time in milliseconds */
    uint64_t data_version;
    uint64_t routes, hosts, routes_left, hosts_left;
    uint64_t units;        /* that the tables of all routes take */
    uint64_t unix_ms, now; /* the time, by both clocks */
    uint64_t states[STATE_WORDS(HOSTS_MAX)];
    struct host_addr addresses[HOSTS_MAX];
};

/* NULL: it is whole, and of that instance. Otherwise what is wrong: the end of a sentence about the file. */
const char *snapshot_decode_begin(struct snapshot_decoder *decoder, const uint8_t *bytes, size_t size,
                                  const char *instance, uint64_t unix_ms, uint64_t now);

/* The next record of a route; of a host. False: there is no other. Those of hosts come after the last route. */
bool snapshot_decode_route(struct snapshot_decoder *decoder, struct restored_route *out);
bool snapshot_decode_host(struct snapshot_decoder *decoder, struct route_key *key, struct host_addr *host,
                          struct host_entry *out);

/* Back to the first record. */
void snapshot_decode_rewind(struct snapshot_decoder *decoder);

#endif
