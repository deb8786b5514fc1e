/* SPDX-License-Identifier: MIT */
/* From a handle and a key to a table: shared by get_host, get_route, views and wait. */
#ifndef READER_LOOKUP_H
#define READER_LOOKUP_H

#include "reader/rcu.h"
#include "reader/state.h"
#include "shm/table.h"

struct lookup {
    struct mapping *mapping;
    struct table table;
    uint32_t slot;
};

/*
 * Enters a read section, switches to a newer generation if there is one, and finds the key's table. Demands the refresh
 * of an expired table, and an unknown key. 0, LARSHM_NOEXIST (a table without hosts) and codes of failure; lookup_end()
 * leaves the section whatever the code is.
 */
int lookup_begin(larshm *h, struct route_key key, struct lookup *lookup);

/* Repeats the lookup of the same key after table_intact() failed. Bounded by the caller. */
int lookup_again(struct lookup *lookup, struct route_key key);

/* False: the fetcher has left the control object that is mapped. */
static inline bool lookup_control_in_use(const struct mapping *mapping)
{
    /* Relaxed: what follows is a write to the old object, at worst, or a look at the name, see control_number(). */
    return load_relaxed(&mapping->routes.s_header->control) == mapping->control_number;
}

/* Clients write to control only while this is true: another client may have cut what is not in use any more. */
static inline bool lookup_has_control(const struct mapping *mapping)
{
    return mapping->can_demand && lookup_control_in_use(mapping);
}

/*
 * Lookups of a thread between two additions to the control object, at most. A thread begins with 1; what takes less than
 * BATCH_MS makes the next twice as long, and what takes longer halves it, so a thread that lives for a few lookups is
 * counted, and one that looks up rarely notices what has happened since. All lengths are odd, the longest has no small
 * divisors: a thread that uses several handles alternately comes round to each of them.
 */
enum {
    COUNT_BATCH = 251,
    BATCH_MS = 1000,
};

/* Enters a read section on the newest generation. */
struct mapping *lookup_enter(larshm *h);

static inline void lookup_end(void)
{
    rcu_leave();
}

/* See below. */
int lookup_still_cut_off(struct mapping *mapping);

/*
 * LARSHM_CUT_OFF, or LARSHM_LAYOUT, while a newer generation than this one cannot be opened: what is demanded or reported
 * here would not be collected. LARSHM_OK once its fetcher is seen alive.
 */
static inline int lookup_cut_off(struct mapping *mapping)
{
    return __builtin_expect(load_relaxed(&mapping->cut_off) == LARSHM_OK, 1) ? LARSHM_OK
                                                                             : lookup_still_cut_off(mapping);
}

/* Adds the thread's lookup counts to the control object. */
void lookup_flush(const struct mapping *mapping);

/* After each batch of a thread's calls: adds its counts, and keeps the handle on the current generation. */
void lookup_batch_done(larshm *h);

#endif
