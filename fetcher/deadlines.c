/* SPDX-License-Identifier: MIT */
#include "fetcher/deadlines.h"

#include <stdlib.h>

struct deadline_node {
    uint64_t due;
    uint32_t place; /* in the heap, plus 1; 0: it is not there */
    bool ejected;
};

bool deadlines_reserve(struct deadlines *deadlines, uint32_t count)
{
    if (count <= deadlines->capacity)
        return true;
    uint32_t capacity = count < 512 ? 512 : count * 2;
    uint32_t *heap = realloc(deadlines->heap, capacity * sizeof(*heap));
    if (!heap)
        return false;
    deadlines->heap = heap;
    struct deadline_node *nodes = realloc(deadlines->nodes, capacity * sizeof(*nodes));
    if (!nodes)
        return false;
    deadlines->nodes = nodes;
    for (uint32_t i = deadlines->capacity; i < capacity; i++)
        nodes[i] = (struct deadline_node){0};
    deadlines->capacity = capacity;
    return true;
}

void deadlines_free(struct deadlines *deadlines)
{
    free(deadlines->heap);
    free(deadlines->nodes);
    *deadlines = (struct deadlines){0};
}

static uint64_t due_at(const struct deadlines *deadlines, uint32_t place)
{
    return deadlines->nodes[deadlines->heap[place]].due;
}

static void put(struct deadlines *deadlines, uint32_t place, uint32_t number)
{
    deadlines->heap[place] = number;
    deadlines->nodes[number].place = place + 1;
}

static void move_up(struct deadlines *deadlines, uint32_t place)
{
    uint32_t number = deadlines->heap[place];
    uint64_t due = deadlines->nodes[number].due;
    for (; place > 0 && due < due_at(deadlines, (place - 1) / 2); place = (place - 1) / 2)
        put(deadlines, place, deadlines->heap[(place - 1) / 2]);
    put(deadlines, place, number);
}

static void move_down(struct deadlines *deadlines, uint32_t place)
{
    uint32_t number = deadlines->heap[place];
    uint64_t due = deadlines->nodes[number].due;
    for (uint32_t below; (below = 2 * place + 1) < deadlines->count; place = below) {
        if (below + 1 < deadlines->count && due_at(deadlines, below + 1) < due_at(deadlines, below))
            below++;
        if (due <= due_at(deadlines, below))
            break;
        put(deadlines, place, deadlines->heap[below]);
    }
    put(deadlines, place, number);
}

static void take_out(struct deadlines *deadlines, uint32_t number)
{
    uint32_t place = deadlines->nodes[number].place - 1, last = deadlines->heap[--deadlines->count];
    deadlines->nodes[number].place = 0;
    deadlines->ejected -= deadlines->nodes[number].ejected;
    if (last == number)
        return;
    put(deadlines, place, last);
    move_up(deadlines, place);
    move_down(deadlines, deadlines->nodes[last].place - 1);
}

void deadlines_set(struct deadlines *deadlines, uint32_t number, uint64_t due, bool ejected)
{
    struct deadline_node *node = &deadlines->nodes[number];
    if (node->place ? node->due == due && node->ejected == ejected : due == DEADLINE_NONE)
        return;
    if (node->place)
        take_out(deadlines, number);
    if (due == DEADLINE_NONE)
        return;
    node->due = due;
    node->ejected = ejected;
    deadlines->ejected += ejected;
    put(deadlines, deadlines->count++, number);
    move_up(deadlines, deadlines->count - 1);
}

bool deadlines_first(const struct deadlines *deadlines, uint32_t *number, uint64_t *due)
{
    if (deadlines->count == 0)
        return false;
    *number = deadlines->heap[0];
    *due = deadlines->nodes[*number].due;
    return true;
}
