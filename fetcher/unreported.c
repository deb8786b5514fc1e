/* SPDX-License-Identifier: MIT */
#include "fetcher/unreported.h"

#include <stdlib.h>

#include "shm/saturating.h"

struct unreported_node {
    uint32_t reported_succ, reported_err; /* of the current counts */
    uint32_t kept_succ, kept_err;         /* unreported, of counts that were reset */
    bool waiting;                         /* of a route: it is in the ring */
};

bool unreported_reserve(struct unreported *unreported, uint32_t count)
{
    if (count <= unreported->capacity)
        return true;
    uint32_t capacity = count < 512 ? 512 : count * 2;
    uint32_t *routes = malloc(capacity * sizeof(*routes));
    struct unreported_node *nodes = routes ? realloc(unreported->nodes, capacity * sizeof(*nodes)) : NULL;
    if (!nodes) {
        free(routes);
        return false;
    }
    for (uint32_t i = unreported->capacity; i < capacity; i++)
        nodes[i] = (struct unreported_node){0};
    for (uint32_t i = 0; i < unreported->count; i++)
        routes[i] = unreported->routes[(unreported->first + i) % unreported->capacity];
    free(unreported->routes);
    *unreported = (struct unreported){
        .nodes = nodes, .routes = routes, .capacity = capacity, .count = unreported->count};
    return true;
}

void unreported_free(struct unreported *unreported)
{
    free(unreported->nodes);
    free(unreported->routes);
    *unreported = (struct unreported){0};
}

void unreported_add_route(struct unreported *unreported, uint32_t route)
{
    if (unreported->nodes[route].waiting)
        return;
    unreported->nodes[route].waiting = true;
    unreported->routes[(unreported->first + unreported->count++) % unreported->capacity] = route;
}

bool unreported_take_route(struct unreported *unreported, uint32_t *route)
{
    if (unreported->count == 0)
        return false;
    *route = unreported->routes[unreported->first];
    unreported->first = (unreported->first + 1) % unreported->capacity;
    unreported->count--;
    unreported->nodes[*route].waiting = false;
    return true;
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
    *node = (struct unreported_node){
        .reported_succ = health->rsucc, .reported_err = health->rerr, .waiting = node->waiting};
}

void unreported_forget(struct unreported *unreported, uint32_t number)
{
    unreported->nodes[number] = (struct unreported_node){.waiting = unreported->nodes[number].waiting};
}
