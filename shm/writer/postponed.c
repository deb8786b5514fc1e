/* SPDX-License-Identifier: MIT */
#include "shm/writer/postponed.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

void postponed_init(struct postponed *postponed)
{
    *postponed = (struct postponed){.tree = NULL};
    TAILQ_INIT(&postponed->queue);
}

void postponed_free(struct postponed *postponed)
{
    tdestroy(postponed->tree, free);
    postponed_init(postponed);
}

static int by_key(const void *left, const void *right)
{
    const struct postponed_answer *a = left, *b = right;
    uint64_t one = route_key_number(a->table.key), other = route_key_number(b->table.key);
    return (one > other) - (one < other);
}

static struct postponed_answer *copy(const struct publication *table, uint64_t answered)
{
    size_t masks = MASK_WORDS(table->count) * sizeof(*table->masks),
           hosts = table->count * sizeof(*table->hosts);
    struct postponed_answer *answer = malloc(sizeof(*answer) + masks + hosts);
    if (!answer)
        return NULL;
    struct host_addr *to = (struct host_addr *)((char *)answer->masks + masks);
    *answer = (struct postponed_answer){.table = *table, .answered = answered};
    answer->table.masks = table->masks ? answer->masks : NULL;
    answer->table.hosts = to;
    if (table->masks)
        memcpy(answer->masks, table->masks, masks);
    if (table->count)
        memcpy(to, table->hosts, hosts);
    return answer;
}

bool postponed_add(struct postponed *postponed, const struct publication *table, uint64_t answered,
                   uint32_t cached, uint64_t growth_max)
{
    uint32_t units = block_units(table->count), growth = units > cached ? units - cached : 0;
    postponed_drop(postponed, table->key);
    if (growth > 0 && postponed->growth + growth > growth_max)
        return false;
    struct postponed_answer *answer = copy(table, answered);
    if (!answer || !tsearch(answer, &postponed->tree, by_key)) {
        free(answer);
        return false;
    }
    answer->growth = growth;
    TAILQ_INSERT_TAIL(&postponed->queue, answer, place);
    postponed->count++;
    postponed->units += units;
    postponed->growth += growth;
    return true;
}

void postponed_drop(struct postponed *postponed, struct route_key key)
{
    const struct postponed_answer wanted = {.table = {.key = key}};
    struct postponed_answer *const *node = tfind(&wanted, &postponed->tree, by_key),
                                   *answer = node ? *node : NULL;
    if (!answer)
        return;
    tdelete(&wanted, &postponed->tree, by_key);
    TAILQ_REMOVE(&postponed->queue, answer, place);
    postponed->count--;
    postponed->units -= block_units(answer->table.count);
    postponed->growth -= answer->growth;
    free(answer);
}

void postponed_defer(struct postponed *postponed, struct postponed_answer *answer)
{
    TAILQ_REMOVE(&postponed->queue, answer, place);
    TAILQ_INSERT_TAIL(&postponed->queue, answer, place);
}
