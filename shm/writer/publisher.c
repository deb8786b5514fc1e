/* SPDX-License-Identifier: MIT */
#include "shm/writer/publisher.h"

#include <stdlib.h>

#include "shm/atomic.h"
#include "shm/clock.h"
#include "shm/doorbell.h"
#include "shm/index.h"
#include "shm/writer/changes.h"

void publisher_init(struct publisher *publisher, const struct routes *routes, uint64_t version,
                    uint64_t grace_ms)
{
    publisher->routes = *routes;
    publisher->version = version;
    publisher->keys = publisher->negative = 0;
    publisher->keys_max = publisher_keys_usual(routes);
    publisher->ring_due = 0;
    publisher->changed = NULL;
    publisher->uses = NULL;
    arena_init(&publisher->arena, routes->arena_units, grace_ms);
}

void publisher_free(struct publisher *publisher)
{
    arena_free(&publisher->arena);
    free(publisher->uses);
    publisher->uses = NULL;
}

/* Loads by the one writer of its own words need no order: no other process stores to them. */
static struct block *current_block(const struct publisher *publisher, uint32_t slot)
{
    uint64_t ref = load_relaxed(&routes_slot(&publisher->routes, slot)->ref);
    return routes_block(&publisher->routes, ref_unit(ref));
}

static void note_change(struct publisher *publisher, uint32_t slot)
{
    if (publisher->changed)
        slot_set_add(publisher->changed, slot);
}

static uint16_t count_limited(const struct publication *table)
{
    uint32_t limited = 0;
    for (uint32_t host = 0; table->states && host < table->count; host++)
        limited += share_in(table->states[host / STATES_IN_WORD], host) != SHARE_FULL;
    return (uint16_t)limited;
}

/*
 * Fills a block that no current ref leads to. Steps 1 and 2 of a publish:
 *   stamp = 0           a reader that still holds the ref of an earlier table here finds out. Release: a reader that
 *                       sees this 0 also sees the ref that replaced the earlier one (table_begin() retries, and does
 *                       not report corruption).
 *   fence_release()     pairs with fence_acquire() in block_intact(): a reader that saw one of the stores below
 *                       sees the 0 above, or a later stamp, when it checks again. Without it the contents could
 *                       become visible before the 0, and a stopped reader would return a mix.
 *   contents, relaxed   not valid before the stamp.
 *   stamp = ref         release, pairs with the acquire of the stamp in table_block(): the contents come with it.
 */
static void write_block(struct block *s_block, uint64_t ref, const struct publication *table,
                        uint64_t expires)
{
    _Atomic uint32_t *s_addresses = block_addresses(s_block, table->count);
    _Atomic uint16_t *s_ports = block_ports(s_block, table->count);

    store_release(&s_block->stamp, 0);
    fence_release();
    store_relaxed(&s_block->key, route_key_number(table->key));
    store_relaxed(&s_block->expires, expires);
    store_relaxed(&s_block->limited, count_limited(table));
    store_relaxed(&s_block->marks, table->marks);
    store_relaxed(&s_block->count, (uint16_t)table->count);
    store_relaxed(&s_block->ttl_s, (uint16_t)table->ttl_s);
    for (uint32_t word = 0; word < STATE_WORDS(table->count); word++)
        store_relaxed(&s_block->states[word], table->states ? table->states[word] : 0);
    for (uint32_t i = 0; i < table->count; i++)
        store_relaxed(&s_addresses[i], table->hosts[i].address);
    for (uint32_t i = 0; i < table->count; i++)
        store_relaxed(&s_ports[i], table->hosts[i].port);
    store_release(&s_block->stamp, ref);
}

/* The ref before the key, and both released: a reader that acquires the key finds the ref (index_probe()), and with
 * the ref the block. A key whose ref were still 0 would look like corruption. */
static void insert(struct publisher *publisher, uint32_t slot, struct route_key key, uint64_t ref)
{
    struct slot *s_slot = routes_slot(&publisher->routes, slot);
    store_release(&s_slot->ref, ref);
    store_release(&s_slot->key, route_key_word(key));
    publisher->keys++;
}

static bool same_table(const struct block *s_block, const struct publication *table)
{
    if (load_relaxed(&s_block->count) != table->count)
        return false;
    const _Atomic uint32_t *s_addresses = block_addresses(s_block, table->count);
    const _Atomic uint16_t *s_ports = block_ports(s_block, table->count);
    for (uint32_t i = 0; i < table->count; i++)
        if (load_relaxed(&s_addresses[i]) != table->hosts[i].address ||
            load_relaxed(&s_ports[i]) != table->hosts[i].port)
            return false;
    return true;
}

static uint64_t draw_version(struct publisher *publisher)
{
    store_relaxed(&publisher->routes.s_header->version, ++publisher->version);
    return publisher->version;
}

enum put_result publisher_put(struct publisher *publisher, uint32_t *slot, uint32_t empty,
                              const struct publication *table, uint64_t now)
{
    uint64_t expires = expiry_tick(table->key, now, table->ttl_s);
    struct block *s_old = *slot == SLOT_NONE ? NULL : current_block(publisher, *slot);

    if (s_old)
        note_change(publisher, *slot);
    if (s_old && same_table(s_old, table)) {
        /* A single word, so no reader can see half of it; how late it is seen only decides which client demands a
         * refresh. */
        store_relaxed(&s_old->expires, expires);
        /* Between the two stores an age is wrong by the change of update_timeout; only people read it. */
        if (load_relaxed(&s_old->ttl_s) != table->ttl_s)
            store_relaxed(&s_old->ttl_s, (uint16_t)table->ttl_s);
        if (load_relaxed(&s_old->marks) != table->marks)
            store_relaxed(&s_old->marks, table->marks);
        return PUT_REFRESHED;
    }
    if (!s_old && (empty == SLOT_NONE || publisher->keys >= publisher->keys_max))
        return PUT_NO_ROOM;
    if (publisher->version == VERSION_MAX)
        return PUT_NO_ROOM;
    uint32_t unit = arena_take(&publisher->arena, block_units(table->count), now);
    if (unit == ARENA_NONE)
        return PUT_NO_ROOM;

    changes_begin(&publisher->routes, table->key);
    uint64_t ref = ref_make(draw_version(publisher), unit);
    /* For larshm_route_pick(). Before the release of the new table's stamp: who has found that one does not take this one for
     * current any more. */
    if (s_old)
        store_relaxed(&s_old->limited, LIMITED_REPLACED);
    write_block(routes_block(&publisher->routes, unit), ref, table, expires);
    if (s_old) {
        uint64_t old_ref = load_relaxed(&routes_slot(&publisher->routes, *slot)->ref);
        uint32_t old_count = load_relaxed(&s_old->count);
        /* Step 3, pairs with the acquire of the ref in table_begin(): the block is complete before it is led to. */
        store_release(&routes_slot(&publisher->routes, *slot)->ref, ref);
        /* The clock is read after the store: the grace is not shortened by a slow loop iteration (G4). */
        arena_retire(&publisher->arena, ref_unit(old_ref), block_units(old_count), clock_tick());
        publisher->negative -= old_count == 0;
    } else {
        insert(publisher, empty, table->key, ref);
        *slot = empty;
        note_change(publisher, empty);
    }
    changes_end(&publisher->routes);
    publisher->negative += table->count == 0;
    publisher->ring_due |= DOORBELL_ANSWERS | DOORBELL_CHANGES;
    return PUT_PUBLISHED;
}

enum shm_status publisher_import(struct publisher *publisher, const struct table *table, struct route_key key,
                                 bool renumber, struct host_addr *scratch)
{
    uint32_t empty = SLOT_NONE, slot = index_probe(&publisher->routes, key, &empty);
    if (slot != SLOT_NONE) {
        struct block *s_old = current_block(publisher, slot);
        uint64_t old_ref = load_relaxed(&s_old->stamp);
        uint32_t count = load_relaxed(&s_old->count);
        /* A route that remembers a ref of the other generation, where it led to this table, must not find it here. */
        store_relaxed(&s_old->stamp, 0);
        arena_give_back(&publisher->arena, ref_unit(old_ref), block_units(count));
        publisher->negative -= count == 0;
    } else if (empty == SLOT_NONE) {
        return SHM_FULL;
    }
    uint32_t unit = arena_take(&publisher->arena, block_units(table->count), 0);
    if (unit == ARENA_NONE)
        return SHM_FULL;

    /* Versions of one object are all drawn from one counter, so they stay unique when they move to the next. */
    uint64_t version = renumber ? publisher->version + 1 : ref_version(table->ref);
    if (publisher->version < version)
        publisher->version = version;
    uint64_t states[STATE_WORDS(HOSTS_MAX)];
    const struct publication copy = {.key = key,
                                     .hosts = scratch,
                                     .states = states,
                                     .count = table->count,
                                     .ttl_s = table->ttl_s,
                                     .marks = load_relaxed(&table->s_block->marks)};
    table_hosts(table, scratch);
    for (uint32_t word = 0; word < STATE_WORDS(table->count); word++)
        states[word] = load_relaxed(&table->s_states[word]);
    uint64_t ref = ref_make(version, unit);
    write_block(routes_block(&publisher->routes, unit), ref, &copy, table->expires);
    if (slot != SLOT_NONE)
        store_relaxed(&routes_slot(&publisher->routes, slot)->ref, ref);
    else
        insert(publisher, empty, key, ref);
    publisher->negative += table->count == 0;
    return SHM_OK;
}

void publisher_set_pulling(struct publisher *publisher, uint32_t slot)
{
    struct block *s_block = current_block(publisher, slot);
    note_change(publisher, slot);
    store_relaxed(&s_block->expires, load_relaxed(&s_block->expires) | EXPIRES_PULLING);
}

void publisher_set_new(struct publisher *publisher, uint32_t slot)
{
    struct block *s_block = current_block(publisher, slot);
    note_change(publisher, slot);
    store_relaxed(&s_block->expires, load_relaxed(&s_block->expires) & ~EXPIRES_PULLING);
}

/* What programs tell apart: in rotation, ejected, drained. */
static uint32_t share_kind(uint32_t share)
{
    return share < SHARE_EJECTED ? SHARE_FULL : share != SHARE_DRAINED ? SHARE_EJECTED : SHARE_DRAINED;
}

void publisher_set_share(struct publisher *publisher, uint32_t slot, uint32_t host, uint32_t share)
{
    struct block *s_block = current_block(publisher, slot);
    _Atomic uint64_t *s_word = &s_block->states[host / STATES_IN_WORD];
    uint64_t word = load_relaxed(s_word);
    uint32_t before = share_in(word, host);
    if (share == before)
        return;
    note_change(publisher, slot);
    bool seen = share_kind(before) != share_kind(share);
    if (seen)
        changes_begin(&publisher->routes, route_key_from_number(load_relaxed(&s_block->key)));
    uint16_t limited = load_relaxed(&s_block->limited);
    store_relaxed(s_word, word ^ share_bits(host, before ^ share));
    if ((before == SHARE_FULL) != (share == SHARE_FULL))
        store_relaxed(&s_block->limited, (uint16_t)(share == SHARE_FULL ? limited - 1 : limited + 1));
    if (seen) {
        changes_end(&publisher->routes);
        publisher->ring_due |= DOORBELL_CHANGES;
    }
}

void publisher_set_marks(struct publisher *publisher, uint32_t slot, uint16_t bits, uint16_t marks)
{
    _Atomic uint16_t *s_marks = &current_block(publisher, slot)->marks;
    uint16_t before = load_relaxed(s_marks), after = (uint16_t)((before & ~bits) | (marks & bits));
    if (before == after)
        return;
    note_change(publisher, slot);
    store_relaxed(s_marks, after);
}

/* The time of the fetch stays. Between the two stores an age is wrong; only people read it. */
void publisher_expire(struct publisher *publisher, uint32_t slot, uint64_t now)
{
    struct block *s_block = current_block(publisher, slot);
    const struct route_key key = route_key_from_number(load_relaxed(&s_block->key));
    uint32_t ttl_s = load_relaxed(&s_block->ttl_s);
    uint64_t fetched = expiry_fetched(key, load_relaxed(&s_block->expires), ttl_s);
    uint64_t age_s = now > fetched ? (now - fetched) / 1000 : 0;
    if (age_s >= ttl_s)
        return;
    note_change(publisher, slot);
    store_relaxed(&s_block->expires, expiry_tick(key, fetched, (uint32_t)age_s));
    store_relaxed(&s_block->ttl_s, (uint16_t)age_s);
}

void publisher_set_use(struct publisher *publisher, uint32_t slot, uint32_t use)
{
    publisher->uses[slot] = use;
    note_change(publisher, slot);
}
