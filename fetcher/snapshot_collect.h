/* SPDX-License-Identifier: MIT */
/* Collects a snapshot in as many parts as the caller likes, while the fetcher goes on in between. */
#ifndef FETCHER_SNAPSHOT_COLLECT_H
#define FETCHER_SNAPSHOT_COLLECT_H

#include "fetcher/snapshot_encode.h"
#include "shm/writer/host_store.h"
#include "shm/writer/writer.h"

struct snapshot_collector {
    const struct writer *writer;
    struct host_store *store;
    struct snapshot_encoder encoder;
    uint64_t most;         /* bytes */
    uint64_t generation;   /* that `slot` is of */
    uint32_t slot, record; /* the next ones */
};

/* Begins a snapshot of now; one that was begun is dropped. */
void snapshot_collect_begin(struct snapshot_collector *collector);

/*
 * Goes on with so many slots of the index, or records of hosts, or fewer if they are large: a millisecond or two at most. The
 * records of one route are in one part. Begins again where
 * there is another generation, which has its routes in other slots. False: all is collected.
 */
bool snapshot_collect(struct snapshot_collector *collector, uint32_t budget);

#endif
