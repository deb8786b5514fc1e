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
 * CALL_WEIGHT_MAX. `thread` is the number of the thread that reports it. SHM_FULL: no cell for this host; it is counted,
 * and the fetcher makes room.
 */
enum shm_status call_stats_record(const struct control *control, struct route_key key, struct host_addr host,
                                  bool success, uint32_t weight, uint32_t thread);

/* Likewise while the fetcher has no room for records of more hosts: SHM_FULL for a host of which it has kept nothing. */
enum shm_status call_stats_record_known(const struct control *control, struct route_key key,
                                        struct host_addr host, bool success, uint32_t weight,
                                        uint32_t thread);

/*
 * Adds to the counts of a cell, and raises its flag. Pairs with the take of the flag in writer/collect.c: either this finds
 * the flag down and raises it, or the fetcher, which takes the flag before it loads the counts, finds the result.
 */
static inline void call_stats_add(const struct control *control, uint32_t cell, _Atomic uint64_t *s_counts,
                                  uint64_t result)
{
    add_seq_cst(s_counts, result);
    hbitmap_set(&control->reported, cell);
}

/* The common case of the above: a success of a host that has this cell. */
static inline void call_stats_add_success(const struct control *control, uint32_t cell, uint32_t thread)
{
    call_stats_add(control, cell, &control->s_successes[thread % CALL_SHARDS][cell], 1);
}

#endif
