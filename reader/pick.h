/* SPDX-License-Identifier: MIT */
/* Which host of a table comes next (Lars' get_host). What is read of the table is judged by table_intact(), later. */
#ifndef READER_PICK_H
#define READER_PICK_H

#include "reader/lookup.h"
#include "reader/thread.h"

/* The rest of pick_host(): for a table with hosts out of the turn. */
int pick_host_slow(const struct lookup *lookup, uint32_t *at);

/* LARSHM_OK: host *at. LARSHM_OVERLOAD: none, this time. */
static inline int pick_host(const struct lookup *lookup, uint32_t *at)
{
    if (__builtin_expect(lookup->table.out != 0, 0))
        return pick_host_slow(lookup, at);
    *at = thread_pick(lookup->table.count);
    return LARSHM_OK;
}

#endif
