/* SPDX-License-Identifier: MIT */
/*
 * Which host's window or time-out ends next: a heap of deadlines, as ticks. Hosts are named by the numbers of their
 * records.
 */
#ifndef FETCHER_DEADLINES_H
#define FETCHER_DEADLINES_H

#include <stdbool.h>
#include <stdint.h>

#define DEADLINE_NONE UINT64_MAX

struct deadlines {
    uint32_t *heap; /* [count] numbers; that at i is due no later than those at 2i + 1 and 2i + 2 */
    struct deadline_node *nodes; /* by number */
    uint32_t capacity, count;
    uint32_t ejected; /* how many of them are the ends of ejections */
};

/* Room for numbers below `count`. False: no memory. */
bool deadlines_reserve(struct deadlines *deadlines, uint32_t count);
void deadlines_free(struct deadlines *deadlines);

/* Sets a host's deadline, also again. DEADLINE_NONE: it has none. `ejected`: it is the end of an ejection. */
void deadlines_set(struct deadlines *deadlines, uint32_t number, uint64_t due, bool ejected);

/* The host that is due first, and when. False: there is none. */
bool deadlines_first(const struct deadlines *deadlines, uint32_t *number, uint64_t *due);

#endif
