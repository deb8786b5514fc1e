/* SPDX-License-Identifier: MIT */
#include "fetcher/unreported.h"

#include <stdlib.h>

#include "shm/saturating.h"

struct unreported_node {
    uint32_t reported_succ, reported_err; /* of the current counts */
    uint32_t kept_succ, kept_err;         /* unreported, of counts that were reset */
    /* Of a route: */
    bool waiting;              /* it has unreported results */
    bool in_turn, out_of_turn; /* it is in that ring; it may have been reported since */
    bool hurried;              /* it was reported out of turn since it was last reached in turn */
};

/* `capacity` is that of the old room. */
static void move(struct unreported_ring *ring, uint32_t capacity, uint32_t *routes)
{
    for (uint32_t i = 0; i < ring->count; i++)
        routes[i] = ring->routes[(ring->first + i) % capacity];
    free(ring->routes);
    ring->routes = routes;
    ring->first = 0;
}

static void push(struct unreported_ring *ring, uint32_t capacity, uint32_t route)
{
    ring->routes[(ring->first + ring->count++) % capacity] = route;
}

static uint32_t pop(struct unreported_ring *ring, uint32_t capacity)
{
    uint32_t route = ring->routes[ring->first];
    ring->first = (ring->first + 1) % capacity;
    ring->count--;
    return route;
}

bool unreported_reserve(struct unreported *unreported, uint32_t count)
{
    if (count <= unreported->capacity)
        return true;
    uint32_t capacity = count < 512 ? 512 : count * 2;
    uint32_t *in_turn = malloc(capacity * sizeof(*in_turn)),
             *out_of_turn = malloc(capacity * sizeof(*out_of_turn));
    struct unreported_node *nodes =
        in_turn && out_of_turn ? realloc(unreported->nodes, capacity * sizeof(*nodes)) : NULL;
    if (!nodes) {
        free(in_turn);
        free(out_of_turn);
        return false;
    }
    for (uint32_t i = unreported->capacity; i < capacity; i++)
        nodes[i] = (struct unreported_node){0};
    move(&unreported->in_turn, unreported->capacity, in_turn);
    move(&unreported->out_of_turn, unreported->capacity, out_of_turn);
    unreported->nodes = nodes;
    unreported->capacity = capacity;
    return true;
}

void unreported_free(struct unreported *unreported)
{
    free(unreported->nodes);
    free(unreported->in_turn.routes);
    free(unreported->out_of_turn.routes);
    *unreported = (struct unreported){0};
}

void unreported_add_route(struct unreported *unreported, uint32_t route, enum urgency urgency)
{
    struct unreported_node *node = &unreported->nodes[route];
    node->waiting = true;
    if (!node->in_turn)
        push(&unreported->in_turn, unreported->capacity, route);
    node->in_turn = true;
    if (node->out_of_turn || urgency == URGENCY_NONE || (urgency == URGENCY_FAILURE && node->hurried))
        return;
    push(&unreported->out_of_turn, unreported->capacity, route);
    node->out_of_turn = true;
}

void unreported_begin_round(struct unreported *unreported)
{
    unreported->left = unreported->in_turn.count;
}

bool unreported_take_route(struct unreported *unreported, uint32_t *route)
{
    for (; unreported->left > 0; unreported->left--) {
        *route = pop(&unreported->in_turn, unreported->capacity);
        struct unreported_node *node = &unreported->nodes[*route];
        bool waiting = node->waiting;
        node->in_turn = node->waiting = node->hurried = false;
        if (waiting) {
            unreported->left--;
            return true;
        }
    }
    return false;
}

bool unreported_take_urgent(struct unreported *unreported, uint32_t *route)
{
    while (unreported->out_of_turn.count > 0) {
        *route = pop(&unreported->out_of_turn, unreported->capacity);
        struct unreported_node *node = &unreported->nodes[*route];
        bool waiting = node->waiting;
        node->out_of_turn = node->waiting = false;
        if (waiting) {
            node->hurried = true;
            return true;
        }
    }
    return false;
}

void unreported_keep(struct unreported *unreported, uint32_t number, uint32_t rsucc, uint32_t rerr)
{
    struct unreported_node *node = &unreported->nodes[number];
    node->kept_succ = saturating_add32(node->kept_succ, rsucc - node->reported_succ);
    node->kept_err = saturating_add32(node->kept_err, rerr - node->reported_err);
    node->reported_succ = node->reported_err = 0;
}

void unreported_take(struct unreported *unreported, uint32_t number, const struct host_health *health,
                     uint32_t *succ, uint32_t *err)
{
    struct unreported_node *node = &unreported->nodes[number];
    *succ = saturating_add32(health->rsucc, node->kept_succ);
    *err = saturating_add32(health->rerr, node->kept_err);
    node->reported_succ = health->rsucc;
    node->reported_err = health->rerr;
    node->kept_succ = node->kept_err = 0;
}

void unreported_forget(struct unreported *unreported, uint32_t number)
{
    struct unreported_node *node = &unreported->nodes[number];
    node->reported_succ = node->reported_err = node->kept_succ = node->kept_err = 0;
}
