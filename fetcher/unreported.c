/* SPDX-License-Identifier: MIT */
#include "fetcher/unreported.h"

#include <stdlib.h>

struct untold_node {
    uint32_t told_succ, told_err; /* of the counts that go on */
    uint32_t kept_succ, kept_err; /* of those before */
    bool waiting;                 /* of a route: it is in the ring */
};

bool untold_reserve(struct untold *untold, uint32_t count)
{
    if (count <= untold->capacity)
        return true;
    uint32_t capacity = count < 512 ? 512 : count * 2;
    uint32_t *routes = malloc(capacity * sizeof(*routes));
    struct untold_node *nodes = routes ? realloc(untold->nodes, capacity * sizeof(*nodes)) : NULL;
    if (!nodes) {
        free(routes);
        return false;
    }
    for (uint32_t i = untold->capacity; i < capacity; i++)
        nodes[i] = (struct untold_node){0};
    for (uint32_t i = 0; i < untold->count; i++)
        routes[i] = untold->routes[(untold->first + i) % untold->capacity];
    free(untold->routes);
    *untold = (struct untold){.nodes = nodes, .routes = routes, .capacity = capacity, .count = untold->count};
    return true;
}

void untold_free(struct untold *untold)
{
    free(untold->nodes);
    free(untold->routes);
    *untold = (struct untold){0};
}

void untold_add_route(struct untold *untold, uint32_t route)
{
    if (untold->nodes[route].waiting)
        return;
    untold->nodes[route].waiting = true;
    untold->routes[(untold->first + untold->count++) % untold->capacity] = route;
}

bool untold_take_route(struct untold *untold, uint32_t *route)
{
    if (untold->count == 0)
        return false;
    *route = untold->routes[untold->first];
    untold->first = (untold->first + 1) % untold->capacity;
    untold->count--;
    untold->nodes[*route].waiting = false;
    return true;
}

void untold_keep(struct untold *untold, uint32_t number, uint32_t rsucc, uint32_t rerr)
{
    struct untold_node *node = &untold->nodes[number];
    node->kept_succ = untold_plus(node->kept_succ, rsucc - node->told_succ);
    node->kept_err = untold_plus(node->kept_err, rerr - node->told_err);
    node->told_succ = node->told_err = 0;
}

void untold_tell(struct untold *untold, uint32_t number, const struct standing *standing, uint32_t *succ,
                 uint32_t *err)
{
    struct untold_node *node = &untold->nodes[number];
    *succ = untold_plus(standing->rsucc, node->kept_succ);
    *err = untold_plus(standing->rerr, node->kept_err);
    *node = (struct untold_node){
        .told_succ = standing->rsucc, .told_err = standing->rerr, .waiting = node->waiting};
}

void untold_forget(struct untold *untold, uint32_t number)
{
    untold->nodes[number] = (struct untold_node){.waiting = untold->nodes[number].waiting};
}
