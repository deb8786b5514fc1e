/* SPDX-License-Identifier: MIT */
/* The client half of call results: recording the outcome of calls for the fetcher. Wait-free, no lock. */
#ifndef SHM_READER_CALL_STATS_H
#define SHM_READER_CALL_STATS_H

#include <stdbool.h>

#include "shm/call_cell.h"

enum {
    CALL_WEIGHT_MAX = 10000 /* of one failure */
};

/*
 * Adds the result of one call to the host's cell. A failure counts `weight` times when hosts are judged, 1 ..
 * CALL_WEIGHT_MAX. SHM_FULL: no cell for this host; it is counted, and the fetcher makes room.
 */
enum shm_status call_stats_record(const struct control *control, struct route_key key, struct host_addr host,
                                  bool success, uint32_t weight);

/* Likewise while the fetcher has no room for records of more hosts: SHM_FULL for a host of which it has kept nothing. */
enum shm_status call_stats_record_known(const struct control *control, struct route_key key,
                                        struct host_addr host, bool success, uint32_t weight);

#endif
