/* SPDX-License-Identifier: MIT */
/*
 * What larshm_get_host() and larshm_get_host_except() have in common. Their fast path is in one piece, and counts nothing before
 * it has a host; whatever it does not handle takes the slow path from the start. `number` is the key, as in blocks.
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

/* NULL: take the slow path, nothing was entered. */
static inline struct urcu_bp_reader *get_host_enter(const larshm *h, const struct thread_state *mine)
{
    return mine->serial == h->fast_serial && mine->lookups < COUNT_BATCH - 1 ? rcu_enter_fast() : NULL;
}

static inline bool get_host_find(const struct routes *routes, uint64_t number, struct fast_table *out)
{
    const struct routes_header *s_header = routes->s_header;
    /* Pairs with generation_install(), as in lookup_enter(). */
    return __builtin_expect(load_acquire(&s_header->superseded) == SUPERSEDED_NO, 1) &&
           lookup_fast(routes, load_relaxed(&s_header->tick), get_host_key(number), out);
}

static inline int get_host_give(struct thread_state *mine, uint64_t number, struct host_addr picked,
                                larshm_host *host)
{
    host->addr = picked.address;
    host->port = picked.port;
    host->cmdid = (uint32_t)number;
    host->modid = (uint32_t)(number >> 32);
    mine->lookups++;
    return LARSHM_OK;
}

#endif
