/* SPDX-License-Identifier: MIT */
/* From a handle and a key to a table: shared by get_host, get_route, views and wait. */
#ifndef READER_LOOKUP_H
#define READER_LOOKUP_H

#include "reader/rcu.h"
#include "reader/state.h"
#include "shm/index.h"
#include "shm/table.h"

struct lookup {
    struct mapping *mapping;
    struct table table;
    uint32_t slot;
};

/*
 * Enters a read section, switches to a newer generation if there is one, and finds the key's table. Demands the
 * refresh of an expired table, and an unknown key. 0, LARSHM_NOEXIST (a table without hosts) and codes of failure;
 * lookup_end() leaves the section whatever the code is.
 */
int lookup_begin(larshm *h, struct route_key key, struct lookup *lookup);

/* The part of lookup_begin() that follows in the section: for one that was entered in another way, by a thread that has looked up
 * before. The caller counts it. */
int lookup_find(struct lookup *lookup, struct mapping *mapping, struct route_key key);

/* What a lookup does of a key that is not in the index. Returns its code. */
int lookup_missed(struct mapping *mapping, struct route_key key);

/*
 * index_find() of a key that is in the index, for most are in their home bucket. Without a branch on the place there, which cannot
 * be foreseen. Relaxed: the key was found before.
 */
static inline uint32_t lookup_slot(const struct routes *routes, uint64_t number)
{
    struct route_key key = route_key((uint32_t)(number >> 32), (uint32_t)number);
    uint64_t word = route_key_word(key);
    const struct slot *s_home = index_home(routes, key);
    static_assert(BUCKET_SLOTS == 4, "four keys");
    uint32_t place = (uint32_t)(load_relaxed(&s_home[1].key) == word) +
                     (uint32_t)(load_relaxed(&s_home[2].key) == word) * 2 +
                     (uint32_t)(load_relaxed(&s_home[3].key) == word) * 3;
    s_home += place % BUCKET_SLOTS; /* of a damaged bucket, too */
    if (__builtin_expect(load_relaxed(&s_home->key) == word, 1))
        return (uint32_t)(s_home - routes->s_buckets->slots);
    return index_find(routes, key);
}

/* What a lookup does that finds the key's table expired. */
void lookup_expired(const struct mapping *mapping, uint64_t number);

/* Repeats the lookup of the same key after table_intact() failed. Bounded by the caller. */
int lookup_again(struct lookup *lookup, struct route_key key);

/* False: the fetcher has replaced the control object that is mapped. */
static inline bool lookup_control_in_use(const struct mapping *mapping)
{
    /* Relaxed: no order makes another number visible sooner. Who sees one and looks for its object loads it again,
     * with the acquire of control_number(). */
    return load_relaxed(&mapping->routes.s_header->control) == mapping->control_number;
}

/* Clients write to control only while this is true: the fetcher may have replaced it because it was truncated. */
static inline bool lookup_has_control(const struct mapping *mapping)
{
    return mapping->can_demand && lookup_control_in_use(mapping);
}

/* True: a control object that this user may write to can be looked for. */
static inline bool lookup_lacks_control(const struct mapping *mapping)
{
    return !(mapping->can_demand || mapping->may_not_demand) || !lookup_control_in_use(mapping);
}

/*
 * A thread counts its lookups in batches, so that most of them write to no shared memory; at the end of each it
 * also checks on the fetcher. The first batch is one lookup. Where as many lookups as may be in one take less than BATCH_MS, the
 * next has up to twice as many, otherwise up to half as many: threads that live for a few lookups are counted, and threads that
 * look up rarely check on the fetcher in time.
 *
 * The lookup that ends a batch also leaves its route in the control object, as a sample. All lengths of a batch are as likely: so
 * one that has come to a lookup ends with it with a chance of one in the lengths that are left, and the sample stands for so many
 * lookups. Each lookup then counts as one on average, also in threads that live for a few, in whatever order they look routes up,
 * and with whatever handles.
 */
enum {
    COUNT_BATCH = 511, /* lookups in the longest batch: twice as many as in the average one */
    BATCH_MS = 1000,
};

/* In a thread's first lookup or report: its number, and where its picks begin. */
void lookup_start_thread(const struct mapping *mapping);

/* Enters a read section on the newest generation. */
struct mapping *lookup_enter(larshm *h);

static inline void lookup_end(void)
{
    rcu_leave();
}

/* The slow path of lookup_cut_off(). */
int lookup_still_cut_off(struct mapping *mapping);

/*
 * LARSHM_CUT_OFF, or LARSHM_LAYOUT, while objects newer than this mapping cannot be opened: what is demanded or
 * reported here would not be collected. LARSHM_OK once the fetcher of this mapping is seen alive.
 */
static inline int lookup_cut_off(struct mapping *mapping)
{
    return __builtin_expect(load_relaxed(&mapping->cut_off) == LARSHM_OK, 1) ? LARSHM_OK
                                                                             : lookup_still_cut_off(mapping);
}

/* Adds the thread's lookup counts to the control object. Its batch goes on. */
void lookup_flush(const struct mapping *mapping);

/* The fetcher ends ejections in time. If it is dead, no other process does: after a silence of this long they are over. */
bool lookup_ejections_over(const struct mapping *mapping, uint64_t silence);

/* The object of a dead fetcher can lose its name without being marked as superseded. So while the fetcher is silent, the name is
 * looked up now and then. Outside of any read section. */
void lookup_renew_silent(larshm *h, uint64_t now);

/* After each batch of a thread's calls: adds its counts, and keeps the handle on the current generation. `ended` is the route of
 * the lookup that ended it; NULL: a report did. */
void lookup_batch_done(larshm *h, const struct route_key *ended);

#endif
