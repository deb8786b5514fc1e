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
    size_t states = STATE_WORDS(table->count) * sizeof(*table->states),
           hosts = table->count * sizeof(*table->hosts);
    struct postponed_answer *answer = malloc(sizeof(*answer) + states + hosts);
    if (!answer)
        return NULL;
    struct host_addr *to = (struct host_addr *)((char *)answer->states + states);
    *answer = (struct postponed_answer){.table = *table, .answered = answered};
    answer->table.states = table->states ? answer->states : NULL;
    answer->table.hosts = to;
    if (table->states)
        memcpy(answer->states, table->states, states);
    if (table->count)
        memcpy(to, table->hosts, hosts);
    return answer;
}

/* Where the tree keeps the answer of a route; NULL: none waits. */
static struct postponed_answer **find(const struct postponed *postponed, struct route_key key)
{
    const struct postponed_answer wanted = {.table = {.key = key}};
    return tfind(&wanted, &postponed->tree, by_key);
}

static void count(struct postponed *postponed, const struct postponed_answer *answer)
{
    postponed->count++;
    postponed->units += block_units(answer->table.count);
    postponed->growth += answer->growth;
}

static void uncount(struct postponed *postponed, const struct postponed_answer *answer)
{
    postponed->count--;
    postponed->units -= block_units(answer->table.count);
    postponed->growth -= answer->growth;
}

/* Nothing is changed unless all of it can be. */
static bool keep(struct postponed *postponed, struct postponed_answer **earlier,
                 struct postponed_answer *answer)
{
    if (!earlier && !tsearch(answer, &postponed->tree, by_key))
        return false;
    if (earlier) {
        struct postponed_answer *replaced = *earlier;
        *earlier = answer;
        TAILQ_INSERT_BEFORE(replaced, answer, place);
        TAILQ_REMOVE(&postponed->queue, replaced, place);
        uncount(postponed, replaced);
        free(replaced);
    } else {
        TAILQ_INSERT_TAIL(&postponed->queue, answer, place);
    }
    count(postponed, answer);
    return true;
}

bool postponed_add(struct postponed *postponed, const struct publication *table, uint64_t answered,
                   uint32_t cached, uint64_t growth_max)
{
    uint32_t units = block_units(table->count), growth = units > cached ? units - cached : 0;
    struct postponed_answer **earlier = find(postponed, table->key), *answer = NULL;
    uint64_t others = postponed->growth - (earlier ? (*earlier)->growth : 0);
    if (growth == 0 || others + growth <= growth_max)
        answer = copy(table, answered);
    if (answer) {
        answer->growth = growth;
        if (keep(postponed, earlier, answer))
            return true;
        free(answer);
    }
    if (earlier && (*earlier)->table.count == 0 && table->count)
        postponed_drop(postponed, table->key);
    return false;
}

void postponed_drop(struct postponed *postponed, struct route_key key)
{
    struct postponed_answer **node = find(postponed, key);
    if (!node)
        return;
    struct postponed_answer *answer = *node;
    tdelete(answer, &postponed->tree, by_key);
    TAILQ_REMOVE(&postponed->queue, answer, place);
    uncount(postponed, answer);
    free(answer);
}

void postponed_defer(struct postponed *postponed, struct postponed_answer *answer)
{
    TAILQ_REMOVE(&postponed->queue, answer, place);
    TAILQ_INSERT_TAIL(&postponed->queue, answer, place);
}
