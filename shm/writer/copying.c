/* SPDX-License-Identifier: MIT */
#include "shm/writer/copying.h"

#include <stdlib.h>

#include "shm/atomic.h"
#include "shm/index.h"
#include "shm/writer/adopted_table.h"

enum shm_status copying_begin(struct copying *copying, const struct copying_plan *plan)
{
    *copying = (struct copying){.plan = *plan};
    if (!plan->source)
        return SHM_OK;
    copying->renumber = load_relaxed(&plan->source->s_header->version) > VERSION_MAX / 2;
    copying->scratch = malloc(HOSTS_MAX * sizeof(*copying->scratch));
    if (copying->scratch && slot_set_fill(&copying->due, routes_slot_count(plan->source)))
        return SHM_OK;
    copying_free(copying);
    return SHM_SYSTEM_ERROR;
}

/* The requests of the fetcher before have died with it: no table is PULLING. A fetch in the future is one by
 * another clock, that of another boot, or of another time namespace: the age of the table is unknown, so it is
 * expired. */
static uint64_t adopted_expiry(const struct table *table, uint64_t now)
{
    return table_fetched(table) > now ? now : table->expires & ~EXPIRES_PULLING;
}

/* Versions of one object are all drawn from one counter: a replacement gets a new one, behind all that are copied. */
static enum shm_status put_replacement(const struct copying *copying, struct publisher *publisher,
                                       const struct replacement *newer, const struct table *old)
{
    struct publication table = newer->table;
    uint32_t empty = SLOT_NONE, slot = index_probe(&publisher->routes, table.key, &empty);
    table.marks = load_relaxed(&old->s_block->marks);
    copying_finish(copying, publisher);
    return publisher_put(publisher, &slot, empty, &table, newer->answered) == PUT_PUBLISHED ? SHM_OK
                                                                                            : SHM_FULL;
}

static bool is_in(const struct publisher *publisher, struct route_key key)
{
    return index_find(&publisher->routes, key) != SLOT_NONE;
}

/* The next replacement, if it is for this slot. */
static const struct replacement *take_replacement(struct copying *copying, uint32_t slot)
{
    const struct copying_plan *plan = &copying->plan;
    bool is_next = copying->next < plan->replacement_count && plan->replacements[copying->next].slot == slot;
    return is_next ? &plan->replacements[copying->next++] : NULL;
}

static void carry_use(const struct copying *copying, const struct publisher *publisher, struct route_key key,
                      uint32_t slot)
{
    if (copying->plan.uses && publisher->uses)
        publisher->uses[index_find(&publisher->routes, key)] = copying->plan.uses[slot];
}

/* Adds what it took to *work. */
static enum shm_status copy(struct copying *copying, struct publisher *publisher, uint32_t slot,
                            uint64_t *work)
{
    const struct copying_plan *plan = &copying->plan;
    uint64_t word = load_acquire(&routes_slot(plan->source, slot)->key);
    _Atomic uint64_t states[STATE_WORDS(HOSTS_MAX)]; /* of a released table */
    const struct route_key key = route_key_from_word(word);
    struct table table;
    if (word == 0)
        return SHM_OK;
    /* Of a key that damage has put into two slots, readers are served the one that a search finds. */
    if (index_find(plan->source, key) != slot ||
        adopted_table(plan->source, slot, key, states, &table) != SHM_OK) {
        copying->damaged++;
        key_sketch_add(plan->dropped, key);
        return SHM_OK;
    }
    *work += block_units(table.count);
    if (!plan->same_writer)
        table.expires = adopted_expiry(&table, plan->now);
    const struct replacement *newer = take_replacement(copying, slot);
    bool unknown = table.count == 0 && table.expires < plan->now && !newer,
         leaves = plan->left_out && slot_set_has(plan->left_out, slot);
    if (leaves || (unknown && !is_in(publisher, key))) {
        key_sketch_add(plan->dropped, key);
        return SHM_OK;
    }
    enum shm_status status =
        newer ? put_replacement(copying, publisher, newer, &table)
              : publisher_import(publisher, &table, key, copying->renumber, copying->scratch);
    if (status == SHM_OK)
        carry_use(copying, publisher, key, slot);
    return status;
}

enum shm_status copying_continue(struct copying *copying, struct publisher *publisher, uint64_t work)
{
    enum shm_status status = SHM_OK;
    uint64_t done = 0;
    uint32_t slot;
    while (status == SHM_OK && done < work && slot_set_take(&copying->due, &slot)) {
        uint64_t ahead = index_fetch_ahead(copying->plan.source, slot);
        if (ahead) /* and its destination */
            __builtin_prefetch(index_home(&publisher->routes, route_key_from_word(ahead)), 1);
        done++;
        status = copy(copying, publisher, slot, &done);
    }
    return status;
}

void copying_finish(const struct copying *copying, struct publisher *publisher)
{
    uint64_t last = copying->plan.source ? load_relaxed(&copying->plan.source->s_header->version) : 0;
    if (!copying->renumber && last > publisher->version)
        publisher->version = last;
}

void copying_free(struct copying *copying)
{
    free(copying->scratch);
    slot_set_free(&copying->due);
    *copying = (struct copying){0};
}
