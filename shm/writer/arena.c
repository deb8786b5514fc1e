/* SPDX-License-Identifier: MIT */
#include "shm/writer/arena.h"

#include <stdbool.h>
#include <stdlib.h>

/* A block's grace is over: no reader may use it now. Tests define it to overwrite the block; here it is nothing. */
#ifndef ARENA_FREED
#define ARENA_FREED(arena, unit, length) ((void)0)
#endif

void arena_init(struct arena *arena, uint32_t units, uint64_t grace_ms)
{
    *arena = (struct arena){.units = units, .grace_ms = grace_ms};
}

static void push(struct free_stack *stack, uint32_t unit)
{
    if (stack->count == stack->capacity) {
        uint32_t capacity = stack->capacity ? stack->capacity * 2 : 64;
        uint32_t *units = realloc(stack->units, capacity * sizeof(*units));
        if (!units)
            return;
        stack->units = units;
        stack->capacity = capacity;
    }
    stack->units[stack->count++] = unit;
}

static void free_expired(struct arena *arena, uint64_t now)
{
    while (arena->ring_count) {
        const struct retired *oldest = &arena->ring[arena->ring_start];
        /* Ticks are truncated to milliseconds: at an equal tick up to one millisecond is still to come. */
        if (now <= oldest->tick + arena->grace_ms)
            break;
        ARENA_FREED(arena, oldest->unit, oldest->length);
        push(&arena->free[oldest->length], oldest->unit);
        arena->waiting -= oldest->length;
        arena->ring_start = (arena->ring_start + 1) % arena->ring_capacity;
        arena->ring_count--;
    }
}

/* A longer free block, cut in two. */
static uint32_t cut(struct arena *arena, uint32_t length)
{
    for (uint32_t longer = length + 1; longer <= BLOCK_UNITS_MAX; longer++) {
        struct free_stack *stack = &arena->free[longer];
        if (stack->count) {
            uint32_t unit = stack->units[--stack->count];
            push(&arena->free[longer - length], unit + length);
            return unit;
        }
    }
    return ARENA_NONE;
}

uint32_t arena_take(struct arena *arena, uint32_t length, uint64_t now)
{
    free_expired(arena, now);
    struct free_stack *stack = &arena->free[length];
    uint32_t unit;
    if (stack->count) {
        unit = stack->units[--stack->count];
    } else if (arena->units - arena->fresh >= length) {
        unit = arena->fresh;
        arena->fresh += length;
    } else {
        unit = cut(arena, length);
    }
    if (unit != ARENA_NONE)
        arena->live += length;
    return unit;
}

static bool grow_ring(struct arena *arena)
{
    uint32_t capacity = arena->ring_capacity ? arena->ring_capacity * 2 : 256;
    struct retired *ring = malloc(capacity * sizeof(*ring));
    if (!ring)
        return false;
    for (uint32_t i = 0; i < arena->ring_count; i++)
        ring[i] = arena->ring[(arena->ring_start + i) % arena->ring_capacity];
    free(arena->ring);
    arena->ring = ring;
    arena->ring_start = 0;
    arena->ring_capacity = capacity;
    return true;
}

void arena_retire(struct arena *arena, uint32_t unit, uint32_t length, uint64_t now)
{
    arena->live -= length;
    if (arena->ring_count == arena->ring_capacity && !grow_ring(arena))
        return;
    uint32_t at = (arena->ring_start + arena->ring_count++) % arena->ring_capacity;
    arena->ring[at] = (struct retired){.tick = now, .unit = unit, .length = length};
    arena->waiting += length;
}

void arena_give_back(struct arena *arena, uint32_t unit, uint32_t length)
{
    arena->live -= length;
    push(&arena->free[length], unit);
}

void arena_free(struct arena *arena)
{
    for (uint32_t length = 0; length <= BLOCK_UNITS_MAX; length++)
        free(arena->free[length].units);
    free(arena->ring);
    *arena = (struct arena){0};
}
