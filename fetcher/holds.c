/* SPDX-License-Identifier: MIT */
#include "fetcher/holds.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

static int by_key(const void *left, const void *right)
{
    const struct hold *a = left, *b = right;
    uint64_t one = route_key_number(a->key), other = route_key_number(b->key);
    return (one > other) - (one < other);
}

static void free_hold(void *hold)
{
    free(((struct hold *)hold)->hosts);
    free(hold);
}

void holds_init(struct holds *holds)
{
    *holds = (struct holds){.tree = NULL};
    TAILQ_INIT(&holds->list);
}

void holds_free(struct holds *holds)
{
    tdestroy(holds->tree, free_hold);
    for (enum hold_time time = HOLD_ENDS; time < HOLD_TIMES; time++)
        free(holds->heaps[time]);
    holds_init(holds);
}

struct hold *holds_find(const struct holds *holds, struct route_key key)
{
    const struct hold wanted = {.key = key};
    struct hold *const *node = tfind(&wanted, &holds->tree, by_key);
    return node ? *node : NULL;
}

/* ---- the heaps ---- */

static bool reserve(struct holds *holds, size_t count)
{
    if (count <= holds->capacity)
        return true;
    size_t capacity = count < 64 ? 64 : count * 2;
    for (enum hold_time time = HOLD_ENDS; time < HOLD_TIMES; time++) {
        struct hold **heap = realloc(holds->heaps[time], capacity * sizeof(*heap));
        if (!heap)
            return false;
        holds->heaps[time] = heap;
    }
    holds->capacity = capacity;
    return true;
}

static void put(struct hold **heap, enum hold_time time, size_t place, struct hold *hold)
{
    heap[place] = hold;
    hold->place[time] = place;
}

/* Puts the hold to `place`, or above it or below it, where its time belongs. */
static void place_in(const struct holds *holds, enum hold_time time, size_t place, struct hold *hold)
{
    struct hold **heap = holds->heaps[time];
    const uint64_t when = hold->when[time];
    for (; place > 0 && heap[(place - 1) / 2]->when[time] > when; place = (place - 1) / 2)
        put(heap, time, place, heap[(place - 1) / 2]);
    for (size_t below = 2 * place + 1; below < holds->count; below = 2 * place + 1) {
        if (below + 1 < holds->count && heap[below + 1]->when[time] < heap[below]->when[time])
            below++;
        if (heap[below]->when[time] >= when)
            break;
        put(heap, time, place, heap[below]);
        place = below;
    }
    put(heap, time, place, hold);
}

void holds_set_time(struct holds *holds, struct hold *hold, enum hold_time time, uint64_t when)
{
    hold->when[time] = when;
    place_in(holds, time, hold->place[time], hold);
}

struct hold *holds_due(const struct holds *holds, enum hold_time time, uint64_t now)
{
    if (holds->count == 0 || holds->heaps[time][0]->when[time] > now)
        return NULL;
    return holds->heaps[time][0];
}

/* ---- */

struct hold *holds_add(struct holds *holds, struct route_key key, uint64_t now)
{
    struct hold *hold = reserve(holds, holds->count + 1) ? malloc(sizeof(*hold)) : NULL;
    if (!hold)
        return NULL;
    *hold = (struct hold){.key = key, .since = now, .when = {HOLD_NEVER, HOLD_NEVER}};
    if (!tsearch(hold, &holds->tree, by_key)) {
        free(hold);
        return NULL;
    }
    TAILQ_INSERT_TAIL(&holds->list, hold, link);
    holds->count++;
    for (enum hold_time time = HOLD_ENDS; time < HOLD_TIMES; time++)
        put(holds->heaps[time], time, holds->count - 1, hold);
    return hold;
}

void holds_end(struct holds *holds, struct hold *hold)
{
    tdelete(hold, &holds->tree, by_key);
    TAILQ_REMOVE(&holds->list, hold, link);
    holds->host_count -= hold->count;
    holds->count--;
    for (enum hold_time time = HOLD_ENDS; time < HOLD_TIMES; time++) {
        struct hold *last = holds->heaps[time][holds->count];
        if (last != hold)
            place_in(holds, time, hold->place[time], last);
    }
    free_hold(hold);
}

bool holds_set_answer(struct holds *holds, struct hold *hold, const struct host_addr *hosts, uint32_t count)
{
    size_t all = holds->host_count - hold->count + count;
    struct host_addr *copy = count && all <= HOLDS_HOSTS_MAX ? malloc(count * sizeof(*copy)) : NULL;
    if (count && !copy)
        return false;
    if (count)
        memcpy(copy, hosts, count * sizeof(*copy));
    free(hold->hosts);
    hold->hosts = copy;
    hold->count = count;
    holds->host_count = all;
    return true;
}
