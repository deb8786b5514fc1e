/* SPDX-License-Identifier: MIT */
#include "fetcher/hold_down.h"

#include <search.h>
#include <stdlib.h>

struct held {
    struct route_key key;
    uint64_t since, last; /* ticks */
    TAILQ_ENTRY(held) place;
};

static int by_key(const void *left, const void *right)
{
    const struct held *a = left, *b = right;
    uint64_t one = route_key_number(a->key), other = route_key_number(b->key);
    return (one > other) - (one < other);
}

static struct held *find(const struct hold_down *hold, struct route_key key)
{
    const struct held wanted = {.key = key};
    struct held *const *node = tfind(&wanted, &hold->tree, by_key);
    return node ? *node : NULL;
}

void hold_down_init(struct hold_down *hold)
{
    *hold = (struct hold_down){.tree = NULL};
    TAILQ_INIT(&hold->queue);
}

void hold_down_free(struct hold_down *hold)
{
    tdestroy(hold->tree, free);
    hold_down_init(hold);
}

bool hold_down_add(struct hold_down *hold, struct route_key key, uint64_t now)
{
    struct held *held = find(hold, key);
    if (held) {
        held->last = now;
        return true;
    }
    held = malloc(sizeof(*held));
    if (!held)
        return false;
    *held = (struct held){.key = key, .since = now, .last = now};
    if (!tsearch(held, &hold->tree, by_key)) {
        free(held);
        return false;
    }
    TAILQ_INSERT_TAIL(&hold->queue, held, place);
    hold->count++;
    return true;
}

bool hold_down_last(const struct hold_down *hold, struct route_key key, uint64_t *when)
{
    const struct held *held = find(hold, key);
    if (held)
        *when = held->last;
    return held;
}

bool hold_down_end(struct hold_down *hold, struct route_key key)
{
    struct held *held = find(hold, key);
    if (!held)
        return false;
    tdelete(held, &hold->tree, by_key);
    TAILQ_REMOVE(&hold->queue, held, place);
    free(held);
    hold->count--;
    return true;
}

bool hold_down_oldest(const struct hold_down *hold, uint64_t begun_by, struct route_key *key)
{
    const struct held *held = TAILQ_FIRST(&hold->queue);
    if (!held || held->since > begun_by)
        return false;
    *key = held->key;
    return true;
}
