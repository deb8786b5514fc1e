/* SPDX-License-Identifier: MIT */
/*
 * Which host's window or time-out ends next: one heap for idle hosts, one for overloaded ones, each in the order of when
 * it began, for all hosts of a kind have the same time. Hosts go by the numbers of their records.
 */
#ifndef FETCHER_DEADLINES_H
#define FETCHER_DEADLINES_H

#include <stdbool.h>

#include "shm/host_health.h"

struct deadline_heap {
    uint32_t *numbers;
    uint32_t count;
};

struct deadlines {
    struct deadline_heap heaps[2]; /* by enum host_state */
    struct deadline_node *nodes;   /* by number */
    uint32_t capacity;
};

/* Room for numbers below `count`. False: no memory. */
bool deadlines_reserve(struct deadlines *deadlines, uint32_t count);
void deadlines_free(struct deadlines *deadlines);

/* Puts a host where it belongs: not at all while it is idle and nobody has called it in this window. */
void deadlines_place(struct deadlines *deadlines, uint32_t number, const struct host_health *health);
void deadlines_remove(struct deadlines *deadlines, uint32_t number);
bool deadlines_has(const struct deadlines *deadlines, uint32_t number);

/* The one of this state whose time began first. False: there is none. */
bool deadlines_first(const struct deadlines *deadlines, enum host_state state, uint32_t *number);
uint32_t deadlines_count(const struct deadlines *deadlines, enum host_state state);

#endif
