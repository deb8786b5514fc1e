/* SPDX-License-Identifier: MIT */
/*
 * What the lookups that take the fast path have in common: larshm_get_host(), larshm_get_host_batch(), larshm_get_host_except()
 * and larshm_route_begin(). They count nothing before they have a code; whatever they do not handle takes the slow path from the
 * start. `number` is the key, as in blocks.
 */
#ifndef READER_GET_HOST_H
#define READER_GET_HOST_H

#include "reader/lookup.h"
#include "reader/pick.h"
#include "shm/reader/lookup_fast.h"

static inline struct route_key get_host_key(uint64_t number)
{
    return route_key((uint32_t)(number >> 32), (uint32_t)number);
}

/* `count` is 0 for larshm_get_host(). */
int get_host_slow(larshm *h, uint64_t number, const larshm_host *tried, size_t count, larshm_host *host);

/* Instead of a code: take the slow path. */
#define GET_HOST_SLOW (-1)

/*
 * larshm_get_host() of what is not the common case, in the section that the caller has entered with get_host_enter(), of a mapping
 * that is get_host_current(). `s_block` is the key's table as the fast path has found it, or NULL. Returns a code, and the
 * caller counts the lookup, or GET_HOST_SLOW: control has to be looked for, which cannot be done in a section.
 */
int get_host_other(struct mapping *mapping, uint64_t number, const struct block *s_block, uint64_t ref,
                   larshm_host *host);

/* NULL: take the slow path, nothing was entered. */
static inline struct urcu_bp_reader *get_host_enter(const larshm *h, const struct thread_state *mine)
{
    return mine->serial == h->fast_serial && mine->lookups < COUNT_BATCH - 1 ? rcu_enter_fast() : NULL;
}

/* False: take the slow path, a newer generation is there or comes. */
static inline bool get_host_current(const struct routes *routes)
{
    /* Pairs with generation_install(), as in lookup_enter(). */
    return __builtin_expect(load_acquire(&routes->s_header->superseded) == SUPERSEDED_NO, 1);
}

static inline void get_host_fill(uint64_t number, struct host_addr picked, larshm_host *host)
{
    host->addr = picked.address;
    host->port = picked.port;
    host->cmdid = (uint32_t)number;
    host->modid = (uint32_t)(number >> 32);
}

static inline int get_host_give(struct thread_state *mine, uint64_t number, struct host_addr picked,
                                larshm_host *host)
{
    get_host_fill(number, picked, host);
    mine->lookups++;
    return LARSHM_OK;
}

#endif
