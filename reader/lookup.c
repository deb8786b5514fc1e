/* SPDX-License-Identifier: MIT */
#include "reader/lookup.h"

#include "reader/cursor.h"
#include "reader/mapping.h"
#include "reader/silence.h"
#include "reader/thread.h"
#include "shm/clock.h"
#include "shm/index.h"
#include "shm/reader/demand.h"
#include "shm/reader/lookup_stats.h"
#include "shm/reader/use_sample.h"

enum {
    CONTROL_LOOK_MS = 100 /* how often a reader looks for a control object that was missing */
};

/* The fast path ends a batch when COUNT_BATCH lookups are pending. For a shorter batch some are pending from the
 * start; they count as another handle's, so lookup_flush() leaves them out. */
static void begin_batch(struct thread_state *mine)
{
    uint32_t shorter = hash_scale((uint64_t)thread_random(mine) << 32, mine->batch);
    mine->batch_start = (uint16_t)(COUNT_BATCH - mine->batch + shorter);
    mine->sample = (uint16_t)(shorter + 1);
    mine->lookups = mine->foreign_lookups = mine->batch_start;
}

/* By how long its `calls` took, and not by how many they were: that was by chance. */
static void choose_batch(struct thread_state *mine, uint32_t calls, uint32_t now)
{
    uint64_t whole = (uint64_t)(now - mine->batch_began) * mine->batch;
    uint32_t length = whole < (uint64_t)BATCH_MS * calls ? 2U * mine->batch + 1 : mine->batch / 2U;
    mine->batch = (uint16_t)(length > COUNT_BATCH ? COUNT_BATCH : length | 1);
    mine->batch_began = now;
}

void lookup_flush(const struct mapping *mapping)
{
    struct thread_state *mine = &thread_state;
    uint32_t lookups = mine->lookups, foreign = mine->foreign_lookups;
    /* A signal handler that looks up between any two steps here may leave less in `lookups` than in `foreign`:
     * these counts, which are only for people, are dropped then. */
    if (lookup_has_control(mapping) && lookups >= foreign)
        lookup_stats_add(&mapping->control, thread_number(), lookups - foreign, mine->missed, mine->expired);
    mine->foreign_lookups = lookups;
    mine->missed = mine->expired = 0;
}

static void leave_sample(const struct mapping *mapping, struct route_key key)
{
    struct thread_state *mine = &thread_state;
    if (lookup_has_control(mapping))
        use_sample_add(&mapping->control, thread_number(), key, mine->sample, thread_random(mine));
}

bool lookup_ejections_over(const struct mapping *mapping, uint64_t silence)
{
    return silence >
           load_relaxed(&mapping->routes.s_header->settings.max_overload_timeout_s) * UINT64_C(1000);
}

static void judge_ejections(struct mapping *mapping, uint64_t silence)
{
    bool over = lookup_ejections_over(mapping, silence);
    /* Relaxed: a lookup that sees it late is one of the same batch. */
    if (load_relaxed(&mapping->ejections_over) != over)
        store_relaxed(&mapping->ejections_over, over);
}

void lookup_renew_silent(larshm *h, uint64_t now)
{
    if (now < load_relaxed(&h->next_check))
        return;
    store_relaxed(&h->next_check, now + SILENT_MS);
    mapping_renew(h);
}

/* Without a silent fetcher, none of this makes a syscall. */
void lookup_batch_done(larshm *h, const struct route_key *ended)
{
    struct thread_state *mine = &thread_state;
    uint64_t now = clock_tick();
    choose_batch(mine, ended ? COUNT_BATCH - mine->batch_start : mine->batch, (uint32_t)now);
    cursor_keep(mine, now);
    rcu_enter();
    struct mapping *mapping = load_acquire(&h->current);
    if (mine->serial == h->serial)
        lookup_flush(mapping);
    if (ended) {
        leave_sample(mapping, *ended);
        begin_batch(mine);
    }
    uint64_t silence = silence_ms(mapping);
    bool silent = silence > SILENT_MS;
    judge_ejections(mapping, silence);
    rcu_leave();
    mapping_tidy(h);
    if (silent)
        lookup_renew_silent(h, now);
}

static void count_lookup(larshm *h, struct route_key key)
{
    struct thread_state *mine = &thread_state;
    if (__builtin_expect(mine->serial != h->serial, 0)) {
        mapping_tidy(h); /* for threads that live for less than a batch */
        /* Counts of the previous handle are a batch at most, and only for people: dropped. */
        bool first = mine->serial == 0;
        thread_number();
        if (first)
            cursor_begin(mine);
        cmm_barrier(); /* a handler of a signal that sees `serial` takes the fast path, which needs `cursors` */
        mine->serial = h->serial;
        mine->foreign_lookups = mine->lookups;
        mine->missed = mine->expired = 0;
        if (first) {
            mine->batch = 1;
            begin_batch(mine);
        }
    }
    if (__builtin_expect(++mine->lookups >= COUNT_BATCH, 0))
        lookup_batch_done(h, &key);
}

/*
 * Looks for newer objects, unless that has failed a moment ago:
 *   SUPERSEDED_YES    the next generation has its name: looked for by each lookup (G3). It cannot always be opened:
 *                     the process may lack descriptors, the name may be gone, or lead to another layout.
 *   SUPERSEDED_SOON   it may not have its name yet.
 *   SUPERSEDED_NO     the control object is missing, or was replaced alone.
 * True if the handle no longer has the mapping that was `seen`, whichever thread switched it.
 */
static bool renew(larshm *h, const struct mapping *seen, uint32_t superseded)
{
    uint64_t now = clock_tick();
    _Atomic uint64_t *next = superseded == SUPERSEDED_SOON ? &h->next_look
                             : superseded == SUPERSEDED_NO ? &h->next_control
                                                           : &h->next_open;
    if (now < load_relaxed(next))
        return false;
    if (mapping_renew(h) || load_acquire(&h->current) != seen)
        return true;
    store_relaxed(next, now + (superseded == SUPERSEDED_NO ? CONTROL_LOOK_MS : ANNOUNCED_LOOK_MS));
    return false;
}

/*
 * Looks again after each switch: a slower thread may have installed a generation that it had opened before the
 * newest one was there. Bounded: another round needs a generation that was installed meanwhile.
 */
struct mapping *lookup_enter(larshm *h)
{
    for (;;) {
        rcu_enter();
        struct mapping *mapping = load_acquire(&h->current);
        /* Pairs with the release in generation_install(): who reads the word finds the new names. The load is
         * coherent: after a publish in the new generation is done, a lookup that begins later reads SUPERSEDED_YES
         * here. */
        uint32_t superseded = load_acquire(&mapping->routes.s_header->superseded);
        if (__builtin_expect(superseded == SUPERSEDED_NO && !lookup_lacks_control(mapping), 1))
            return mapping;
        rcu_leave();
        if (!renew(h, mapping, superseded))
            break;
    }
    rcu_enter();
    return load_acquire(&h->current);
}

int lookup_still_cut_off(struct mapping *mapping)
{
    int reason = load_relaxed(&mapping->cut_off);
    /* The fetcher of this mapping is alive, and collects from it: it had only been silent for a while, or could not
     * give the generation that it had announced its name. */
    if (load_relaxed(&mapping->routes.s_header->superseded) == SUPERSEDED_NO &&
        silence_ms(mapping) <= SILENT_MS) {
        store_relaxed(&mapping->cut_off, LARSHM_OK);
        return LARSHM_OK;
    }
    return reason == LARSHM_OK || reason == LARSHM_LAYOUT ? reason : LARSHM_CUT_OFF;
}

int lookup_missed(struct mapping *mapping, struct route_key key)
{
    thread_state.missed++;
    int cut_off = lookup_cut_off(mapping);
    if (cut_off != LARSHM_OK)
        return cut_off;
    if (mapping->may_not_demand)
        return LARSHM_NO_PERMISSION;
    if (!lookup_has_control(mapping))
        return LARSHM_PENDING;
    demand_route(&mapping->control, key);
    return load_relaxed(&mapping->routes.s_header->refusing) == REFUSING_NOTHING ? LARSHM_PENDING
                                                                                 : LARSHM_FULL;
}

static void demand_expired(const struct mapping *mapping, uint32_t slot)
{
    thread_state.expired++;
    if (lookup_has_control(mapping))
        demand_refresh(&mapping->control, slot);
}

void lookup_expired(const struct mapping *mapping, uint64_t number)
{
    uint32_t slot = lookup_slot(&mapping->routes, number);
    if (slot != SLOT_NONE)
        demand_expired(mapping, slot);
}

int lookup_again(struct lookup *lookup, struct route_key key)
{
    const struct mapping *mapping = lookup->mapping;
    int status = (int)table_begin(&mapping->routes, lookup->slot, key, &lookup->table);
    if (status != LARSHM_OK)
        return status;
    /* PULLING makes `expires` larger than any tick, so a route that is requested is not demanded again. */
    if (__builtin_expect(load_relaxed(&mapping->routes.s_header->tick) > lookup->table.expires, 0))
        demand_expired(mapping, lookup->slot);
    return lookup->table.count ? LARSHM_OK : LARSHM_NOEXIST;
}

void lookup_start_thread(const struct mapping *mapping)
{
    /* Relaxed: it only has to differ from the others' numbers. */
    thread_start(lookup_has_control(mapping) ? add_relaxed(&mapping->control.s_header->threads, 1) + 1 : 0);
}

int lookup_find(struct lookup *lookup, struct mapping *mapping, struct route_key key)
{
    lookup->mapping = mapping;
    if (route_key_is_none(key))
        return LARSHM_NOEXIST;
    lookup->slot = index_find(&mapping->routes, key);
    if (lookup->slot == SLOT_NONE)
        return lookup_missed(mapping, key);
    return lookup_again(lookup, key);
}

int lookup_begin(larshm *h, struct route_key key, struct lookup *lookup)
{
    count_lookup(h, key);
    struct mapping *mapping = lookup_enter(h);
    if (__builtin_expect(thread_state.start == 0, 0))
        lookup_start_thread(mapping);
    return lookup_find(lookup, mapping, key);
}
