/* SPDX-License-Identifier: MIT */
/* From a handle and a key to a table: what get_host, get_route, views and wait have in common. */
#ifndef READER_LOOKUP_H
#define READER_LOOKUP_H

#include "reader/handle.h"
#include "reader/rcu.h"
#include "shm/table.h"

struct lookup {
    struct mapping *mapping;
    struct table table;
    uint32_t slot;
};

/*
 * Enters a read section, moves to a newer generation if there is one, and finds the key's table. A table that has
 * expired is asked for behind the caller's back, an unknown key too. 0, LARSHM_NOEXIST (a table without hosts) and
 * codes of failure; the section is left by lookup_end() whatever the code is.
 */
int lookup_begin(larshm *h, struct route_key key, struct lookup *lookup);

/* The same again for the same key, after table_intact() said no. Bounded by the caller. */
int lookup_again(struct lookup *lookup, struct route_key key);

/* Lookups of a thread between two additions to the control object. Odd, and without small divisors: a thread that
 * takes several handles in turn comes round to each of them. */
enum {
    COUNT_BATCH = 251
};

/* Enters a read section on the newest generation. */
struct mapping *lookup_enter(larshm *h);

static inline void lookup_end(void)
{
    rcu_leave();
}

/* Adds the thread's lookup counts to the control object. */
void lookup_flush(const struct mapping *mapping);

/* Every COUNT_BATCH calls of a thread: hands in its counts, and sees to it that the handle is not left behind. */
void lookup_batch_done(larshm *h);

#endif
