/* SPDX-License-Identifier: MIT */
#include "reader/lookup.h"

#include "reader/mapping.h"
#include "reader/thread.h"
#include "shm/ask.h"
#include "shm/clock.h"
#include "shm/index.h"

enum {
    COUNT_BATCH = 256
}; /* lookups of a thread between two additions to the control object */

void lookup_flush(const struct mapping *mapping)
{
    struct thread_state *mine = &thread_state;
    if (mapping->can_ask)
        ask_count(&mapping->control, thread_number(), mine->lookups, mine->missed, mine->expired);
    mine->lookups = mine->missed = mine->expired = 0;
}

/*
 * Now and then: hands in the counts, and looks whether a silent fetcher's object has lost its name, which nobody
 * would tell us. The clock is read without a syscall; the name is looked up only when the fetcher is silent.
 */
static void batch_done(larshm *h)
{
    rcu_enter();
    struct mapping *mapping = load_acquire(&h->current);
    lookup_flush(mapping);
    uint64_t now = clock_tick(), tick = load_relaxed(&mapping->routes.s_header->tick);
    rcu_leave();
    if (now > tick + SILENT_MS && now >= load_relaxed(&h->next_check)) {
        store_relaxed(&h->next_check, now + SILENT_MS);
        mapping_renew(h);
    }
}

static void count_lookup(larshm *h)
{
    struct thread_state *mine = &thread_state;
    if (__builtin_expect(mine->serial != h->serial, 0)) {
        /* Counts for a handle that was used before are a batch at most, and only for people: dropped. */
        thread_number();
        mine->serial = h->serial;
        mine->lookups = mine->missed = mine->expired = 0;
    }
    if (__builtin_expect(++mine->lookups >= COUNT_BATCH, 0))
        batch_done(h);
}

/* Announced, but not there when we looked: look again a little later. Once it has its name, look always (G3). */
static void renew(larshm *h, uint32_t superseded)
{
    uint64_t now = clock_tick();
    if (superseded == SUPERSEDED_SOON && now < load_relaxed(&h->next_try))
        return;
    if (!mapping_renew(h))
        store_relaxed(&h->next_try, now + RETRY_MS);
}

struct mapping *lookup_enter(larshm *h)
{
    rcu_enter();
    struct mapping *mapping = load_acquire(&h->current);
    /* Pairs with the release in generation_show(). The load is coherent: after a publish in the new generation is
     * done, no lookup that begins later reads anything but SUPERSEDED_YES here. */
    uint32_t superseded = load_acquire(&mapping->routes.s_header->superseded);
    if (__builtin_expect(superseded != SUPERSEDED_NO, 0)) {
        rcu_leave();
        renew(h, superseded);
        rcu_enter();
        mapping = load_acquire(&h->current);
    }
    return mapping;
}

static int missed(const struct mapping *mapping, uint64_t key)
{
    thread_state.missed++;
    if (!mapping->can_ask)
        return LARSHM_NO_PERMISSION;
    ask_route(&mapping->control, key);
    return load_relaxed(&mapping->routes.s_header->refusing) == REFUSING_NOTHING ? LARSHM_PENDING
                                                                                 : LARSHM_FULL;
}

int lookup_again(struct lookup *lookup, uint64_t key)
{
    const struct mapping *mapping = lookup->mapping;
    int status = (int)table_begin(&mapping->routes, lookup->slot, key, &lookup->table);
    if (status != LARSHM_OK)
        return status;
    /* PULLING makes `expires` larger than any tick, so a route that is being asked for is not asked for again. */
    if (__builtin_expect(load_relaxed(&mapping->routes.s_header->tick) > lookup->table.expires, 0)) {
        thread_state.expired++;
        if (mapping->can_ask)
            ask_refresh(&mapping->control, lookup->slot);
    }
    return lookup->table.count ? LARSHM_OK : LARSHM_NOEXIST;
}

int lookup_begin(larshm *h, uint32_t modid, uint32_t cmdid, struct lookup *lookup)
{
    uint64_t key = route_key(modid, cmdid);
    count_lookup(h);
    lookup->mapping = lookup_enter(h);
    if (key == KEY_INVALID)
        return LARSHM_NOEXIST;
    lookup->slot = index_find(&lookup->mapping->routes, key);
    if (lookup->slot == SLOT_NONE)
        return missed(lookup->mapping, key);
    return lookup_again(lookup, key);
}
