/* SPDX-License-Identifier: MIT */
#include "fetcher/deadlines.h"

#include <stdlib.h>

struct deadline_node {
    uint64_t began;
    uint32_t place; /* in the heap, from 1 on; 0: in none */
    uint8_t state;
};

static bool widen(uint32_t **numbers, uint32_t count)
{
    uint32_t *wider = realloc(*numbers, count * sizeof(*wider));
    if (wider)
        *numbers = wider;
    return wider;
}

bool deadlines_reserve(struct deadlines *deadlines, uint32_t count)
{
    if (count <= deadlines->capacity)
        return true;
    uint32_t capacity = count < 512 ? 512 : count * 2;
    struct deadline_node *nodes = realloc(deadlines->nodes, capacity * sizeof(*nodes));
    if (!nodes)
        return false;
    deadlines->nodes = nodes;
    for (uint32_t i = deadlines->capacity; i < capacity; i++)
        nodes[i] = (struct deadline_node){0};
    if (!widen(&deadlines->heaps[0].numbers, capacity) || !widen(&deadlines->heaps[1].numbers, capacity))
        return false;
    deadlines->capacity = capacity;
    return true;
}

void deadlines_free(struct deadlines *deadlines)
{
    free(deadlines->nodes);
    free(deadlines->heaps[0].numbers);
    free(deadlines->heaps[1].numbers);
    *deadlines = (struct deadlines){0};
}

static void put(struct deadlines *deadlines, struct deadline_heap *heap, uint32_t at, uint32_t number)
{
    heap->numbers[at] = number;
    deadlines->nodes[number].place = at + 1;
}

/* Puts `number` at `at`, or where the order wants it. */
static void sift(struct deadlines *deadlines, struct deadline_heap *heap, uint32_t at, uint32_t number)
{
    const struct deadline_node *nodes = deadlines->nodes;
    uint64_t began = nodes[number].began;
    for (; at > 0 && nodes[heap->numbers[(at - 1) / 2]].began > began; at = (at - 1) / 2)
        put(deadlines, heap, at, heap->numbers[(at - 1) / 2]);
    for (uint32_t child = 2 * at + 1; child < heap->count; child = 2 * at + 1) {
        if (child + 1 < heap->count &&
            nodes[heap->numbers[child + 1]].began < nodes[heap->numbers[child]].began)
            child++;
        if (nodes[heap->numbers[child]].began >= began)
            break;
        put(deadlines, heap, at, heap->numbers[child]);
        at = child;
    }
    put(deadlines, heap, at, number);
}

void deadlines_remove(struct deadlines *deadlines, uint32_t number)
{
    struct deadline_node *node = &deadlines->nodes[number];
    struct deadline_heap *heap = &deadlines->heaps[node->state];
    if (!node->place)
        return;
    uint32_t at = node->place - 1, last = heap->numbers[--heap->count];
    node->place = 0;
    if (last != number)
        sift(deadlines, heap, at, last);
}

void deadlines_place(struct deadlines *deadlines, uint32_t number, const struct host_health *health)
{
    struct deadline_node *node = &deadlines->nodes[number];
    bool in_rotation = health->state == HOST_IN_ROTATION;
    uint64_t began = in_rotation ? health->window : health->since;
    bool wanted = !in_rotation || health->rsucc || health->rerr;
    if (node->place && wanted && node->state == health->state && node->began == began)
        return;
    deadlines_remove(deadlines, number);
    if (!wanted)
        return;
    node->state = health->state;
    node->began = began;
    struct deadline_heap *heap = &deadlines->heaps[node->state];
    sift(deadlines, heap, heap->count++, number);
}

bool deadlines_has(const struct deadlines *deadlines, uint32_t number)
{
    return deadlines->nodes[number].place;
}

bool deadlines_first(const struct deadlines *deadlines, enum host_state state, uint32_t *number)
{
    const struct deadline_heap *heap = &deadlines->heaps[state];
    if (heap->count)
        *number = heap->numbers[0];
    return heap->count;
}

uint32_t deadlines_count(const struct deadlines *deadlines, enum host_state state)
{
    return deadlines->heaps[state].count;
}
