/* SPDX-License-Identifier: MIT */
/* Makes a snapshot in memory, record by record: see snapshot_format.h. */
#ifndef FETCHER_SNAPSHOT_ENCODE_H
#define FETCHER_SNAPSHOT_ENCODE_H

#include "shm/writer/route_ref.h"

struct snapshot_encoder {
    uint8_t *bytes;
    size_t size, capacity, most;
    uint64_t unix_ms, tick; /* when it was begun, by both clocks */
    uint64_t routes, hosts;
    bool failed; /* no memory, or more than `most` bytes: it has not all records */
};

/* Begins a snapshot of at most so many bytes; routes come before hosts. What a snapshot before it had is dropped. */
void snapshot_encode_begin(struct snapshot_encoder *encoder, uint64_t most, uint64_t unix_ms, uint64_t tick);

/* One without hosts is left out: that it does not exist is no more known than that it does. */
void snapshot_encode_route(struct snapshot_encoder *encoder, const struct route_ref *route);
void snapshot_encode_host(struct snapshot_encoder *encoder, struct route_key key, struct host_addr host,
                          const struct host_entry *entry);

/* Completes all but the checksum. `data_version` is that of now: no route in it is newer. False: it has failed. */
bool snapshot_encode_end(struct snapshot_encoder *encoder, const char *instance, uint64_t data_version);

/* Sets the checksum: takes a millisecond for each 1.5 MB or so. */
void snapshot_seal(uint8_t *bytes, size_t size);

/* A zeroed encoder is fine. */
void snapshot_encode_free(struct snapshot_encoder *encoder);

#endif
