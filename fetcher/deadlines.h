/* SPDX-License-Identifier: MIT */
/*
 * Which host's window or time-out ends next: one queue for hosts in rotation, one for ejected ones, each in the order in
 * which their time began, since all hosts of a state have the same time. Hosts are named by the numbers of their records.
 */
#ifndef FETCHER_DEADLINES_H
#define FETCHER_DEADLINES_H

#include <stdbool.h>

#include "shm/layout.h"

struct deadline_queue {
    uint32_t first, last, count; /* numbers; meaningless while count is 0 */
};

struct deadlines {
    struct deadline_queue queues[2]; /* by enum host_state */
    struct deadline_node *nodes;     /* by number */
    uint32_t capacity;
};

/* Room for numbers below `count`. False: no memory. */
bool deadlines_reserve(struct deadlines *deadlines, uint32_t count);
void deadlines_free(struct deadlines *deadlines);

/* Puts a host where it belongs: nowhere while it is in rotation and has had no call in this window. A time that began
 * before others in the queue is looked for from the end: hosts of unknown order are placed in the order of
 * deadline_began(). */
void deadlines_place(struct deadlines *deadlines, uint32_t number, const struct host_health *health);
void deadlines_remove(struct deadlines *deadlines, uint32_t number);
bool deadlines_has(const struct deadlines *deadlines, uint32_t number);

/* When the host's time began, as a tick. */
uint64_t deadline_began(const struct host_health *health);

/* The one of this state whose time began first. False: there is none. */
bool deadlines_first(const struct deadlines *deadlines, enum host_state state, uint32_t *number);
uint32_t deadlines_count(const struct deadlines *deadlines, enum host_state state);

#endif
