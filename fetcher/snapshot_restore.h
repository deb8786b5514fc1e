/* SPDX-License-Identifier: MIT */
/*
 * What a fetcher takes from the snapshot, where its instance has no routes object: after a reboot. Records of hosts go
 * into the hosts object before routes are seen by anyone: should the fetcher die on the way, the next one begins again.
 */
#ifndef FETCHER_SNAPSHOT_RESTORE_H
#define FETCHER_SNAPSHOT_RESTORE_H

#include <stdint.h>

#include "shm/writer/route_source.h"

struct snapshot_restore;

/* For writer_options.restored. A file that cannot be used is put aside, and the log says why. NULL: no memory. */
struct snapshot_restore *snapshot_restore_new(const char *path, const char *instance, uint64_t max_bytes);
const struct route_source *snapshot_restore_source(const struct snapshot_restore *restore);
void snapshot_restore_delete(struct snapshot_restore *restore);

#endif
