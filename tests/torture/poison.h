/* SPDX-License-Identifier: MIT */
/* Forced into shm/arena.c of the torture's fetcher: a block whose grace is over is overwritten at once. */
#ifndef TESTS_TORTURE_POISON_H
#define TESTS_TORTURE_POISON_H

#include <stdint.h>

struct arena;
void poison_block(struct arena *arena, uint32_t unit, uint32_t length);
#define ARENA_FREED(arena, unit, length) poison_block((arena), (unit), (length))

#endif
