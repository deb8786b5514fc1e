/* SPDX-License-Identifier: MIT */
#include "fetcher/deadlines.h"

#include <stdlib.h>

#define NONE UINT32_MAX

struct deadline_node {
    uint64_t began;
    uint32_t before, after; /* NONE: it is the first, the last */
    uint8_t state;
    bool queued;
};

bool deadlines_reserve(struct deadlines *deadlines, uint32_t count)
{
    if (count <= deadlines->capacity)
        return true;
    uint32_t capacity = count < 512 ? 512 : count * 2;
    struct deadline_node *nodes = realloc(deadlines->nodes, capacity * sizeof(*nodes));
    if (!nodes)
        return false;
    for (uint32_t i = deadlines->capacity; i < capacity; i++)
        nodes[i] = (struct deadline_node){0};
    deadlines->nodes = nodes;
    deadlines->capacity = capacity;
    return true;
}

void deadlines_free(struct deadlines *deadlines)
{
    free(deadlines->nodes);
    *deadlines = (struct deadlines){0};
}

void deadlines_remove(struct deadlines *deadlines, uint32_t number)
{
    struct deadline_node *nodes = deadlines->nodes, *node = &nodes[number];
    struct deadline_queue *queue = &deadlines->queues[node->state];
    if (!node->queued)
        return;
    *(node->before == NONE ? &queue->first : &nodes[node->before].after) = node->after;
    *(node->after == NONE ? &queue->last : &nodes[node->after].before) = node->before;
    queue->count--;
    node->queued = false;
}

/* Behind the last that began no later: nearly always the end. */
static void insert(struct deadlines *deadlines, uint32_t number)
{
    struct deadline_node *nodes = deadlines->nodes, *node = &nodes[number];
    struct deadline_queue *queue = &deadlines->queues[node->state];
    uint32_t before = queue->count ? queue->last : NONE;
    while (before != NONE && nodes[before].began > node->began)
        before = nodes[before].before;
    node->before = before;
    node->after = before != NONE ? nodes[before].after : queue->count ? queue->first : NONE;
    *(node->before == NONE ? &queue->first : &nodes[node->before].after) = number;
    *(node->after == NONE ? &queue->last : &nodes[node->after].before) = number;
    queue->count++;
    node->queued = true;
}

uint64_t deadline_began(const struct host_health *health)
{
    return health->state == HOST_IN_ROTATION ? health->window : health->since;
}

void deadlines_place(struct deadlines *deadlines, uint32_t number, const struct host_health *health)
{
    struct deadline_node *node = &deadlines->nodes[number];
    uint64_t began = deadline_began(health);
    bool wanted = health->state != HOST_IN_ROTATION || health->rsucc || health->rerr;
    if (node->queued && wanted && node->state == health->state && node->began == began)
        return;
    deadlines_remove(deadlines, number);
    if (!wanted)
        return;
    node->state = health->state;
    node->began = began;
    insert(deadlines, number);
}

bool deadlines_has(const struct deadlines *deadlines, uint32_t number)
{
    return deadlines->nodes[number].queued;
}

bool deadlines_first(const struct deadlines *deadlines, enum host_state state, uint32_t *number)
{
    const struct deadline_queue *queue = &deadlines->queues[state];
    if (queue->count)
        *number = queue->first;
    return queue->count;
}

uint32_t deadlines_count(const struct deadlines *deadlines, enum host_state state)
{
    return deadlines->queues[state].count;
}
