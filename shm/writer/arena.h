/* SPDX-License-Identifier: MIT */
/*
 * Who owns which units of the arena. All of this lives in the fetcher's heap, nothing in shared memory, so a
 * fetcher that dies leaves no allocator state to repair. Out of heap is never fatal: a block that cannot be recorded
 * as free is lost until the next generation, no more.
 */
#ifndef SHM_WRITER_ARENA_H
#define SHM_WRITER_ARENA_H

#include <stdint.h>

#include "shm/layout.h"

#define ARENA_NONE UINT32_MAX

enum {
    BLOCK_UNITS_MAX = (BLOCK_BYTES(HOSTS_MAX) + UNIT_BYTES - 1) / UNIT_BYTES,
};

struct free_stack {
    uint32_t *units;
    uint32_t count, capacity;
};

struct retired {
    uint64_t tick;
    uint32_t unit, length;
};

struct arena {
    uint32_t units;   /* size of the arena */
    uint32_t fresh;   /* units from here on were never used */
    uint32_t live;    /* units of published blocks */
    uint32_t waiting; /* units of retired blocks whose grace is not over */
    uint64_t grace_ms;
    struct free_stack free[BLOCK_UNITS_MAX + 1]; /* by length */
    struct retired *ring;                        /* oldest first: grace is the same for all */
    uint32_t ring_start, ring_count, ring_capacity;
};

void arena_init(struct arena *arena, uint32_t units, uint64_t grace_ms);

/* Room for a block of `length` units, 1 .. BLOCK_UNITS_MAX, counted as live; ARENA_NONE if there is none now. */
uint32_t arena_take(struct arena *arena, uint32_t length, uint64_t now);

/* A block is replaced. Its units are reused only more than grace_ms after `now`. */
void arena_retire(struct arena *arena, uint32_t unit, uint32_t length, uint64_t now);

/* A block that no reader can have found is replaced. */
void arena_give_back(struct arena *arena, uint32_t unit, uint32_t length);

void arena_free(struct arena *arena);

#endif
