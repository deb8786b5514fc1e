/* SPDX-License-Identifier: MIT */
/*
 * Routes that their callers know: a lookup without the search for the key. A larshm_route remembers the ref of its table, and where
 * it is in a sequence of picks of its own, which goes on from that of the thread, see cursor.h. The step to the next one depends
 * on the table's count alone; that of another table is as good for one pick.
 *
 * The ref is a hint. Whatever it is, a block of the current generation that has it as its stamp, is of this key and is not marked
 * as replaced is the table that the index leads to (PROTOCOL.md, "Routes that remember"). So a ref of a generation that is gone, or
 * one that another thread or a handler of a signal has stored meanwhile, leads to the right table or to none.
 */
#include "reader/get_host.h"

static_assert(sizeof(larshm_route) == 32, "part of the ABI");

/* Relaxed, all three: the value alone matters. */
static inline _Atomic uint64_t *ref_of(larshm_route *route)
{
    return (_Atomic uint64_t *)&route->private_ref;
}

static inline _Atomic uint32_t *position_of(larshm_route *route)
{
    return (_Atomic uint32_t *)&route->private_position;
}

static inline _Atomic uint32_t *step_of(larshm_route *route)
{
    return (_Atomic uint32_t *)&route->private_step;
}

/* By a thread that has looked up. A table that the fast path does not find is left to the slow one each time. */
static void remember(larshm_route *route)
{
    const struct thread_state *mine = &thread_state;
    rcu_enter();
    /* Pairs with mapping_renew(). */
    const struct mapping *mapping = load_acquire(&route->private_handle->current);
    struct fast_table table;
    if (lookup_fast(&mapping->routes, get_host_key(route->private_key), &table)) {
        uint64_t count = fast_table_count(&table);
        if (load_relaxed(ref_of(route)) == 0)
            store_relaxed(position_of(route), cursor_next(mine, table.s_block, count) - mine->start);
        store_relaxed(step_of(route), cursor_step(count));
        store_relaxed(ref_of(route), table.ref);
    }
    rcu_leave();
}

int larshm_route_open(larshm *h, uint32_t modid, uint32_t cmdid, larshm_route *route)
{
    struct route_key key = route_key(modid, cmdid);
    struct lookup lookup;
    *route = (larshm_route){.private_handle = h, .private_key = route_key_number(key)};
    int code = lookup_begin(h, key, &lookup);
    lookup_end();
    if (code == LARSHM_OK)
        remember(route);
    return code;
}

/* The lookup is counted behind the pick, so that one that ends a batch is of the route's own sequence, too. */
static __attribute__((noinline)) int end_batch(const larshm_route *route, int code)
{
    const struct route_key key = get_host_key(route->private_key);
    lookup_batch_done(route->private_handle, &key);
    return code;
}

static inline int counted(const larshm_route *route, struct thread_state *mine, int code)
{
    return __builtin_expect(++mine->lookups < COUNT_BATCH, 1) ? code : end_batch(route, code);
}

static __attribute__((noinline)) int pick_slow(larshm_route *route, larshm_host *host)
{
    int code = get_host_slow(route->private_handle, route->private_key, NULL, 0, host);
    if (code == LARSHM_OK)
        remember(route);
    return code;
}

/* What is not the common case, in the section that larshm_route_pick() has entered. */
static __attribute__((noinline)) int pick_other(larshm_route *route, larshm_host *host,
                                                struct mapping *mapping, const struct block *s_block,
                                                uint64_t ref)
{
    int code = GET_HOST_SLOW;
    if (load_relaxed(&s_block->limited) != LIMITED_REPLACED)
        code = get_host_other(mapping, route->private_key, s_block, ref, host);
    rcu_leave_fast(rcu_record());
    if (code == GET_HOST_SLOW)
        return pick_slow(route, host);
    return counted(route, &thread_state, code);
}

int larshm_route_pick(larshm_route *route, larshm_host *host)
{
    const larshm *h = route->private_handle;
    uint64_t number = route->private_key;
    struct thread_state *mine = &thread_state;
    CURSOR_HIDE(mine);
    struct urcu_bp_reader *section = mine->serial == h->fast_serial ? rcu_enter_fast() : NULL;
    if (!section)
        return pick_slow(route, host);
    /* Pairs with mapping_renew(). */
    struct mapping *mapping = load_acquire(&h->current);
    const struct routes *routes = &mapping->routes;
    struct fast_table table;
    uint64_t count;
    if (!get_host_current(routes) ||
        !lookup_fast_at(routes, get_host_key(number), load_relaxed(ref_of(route)), &table)) {
        rcu_leave_fast(section);
        return pick_slow(route, host);
    }
    if (!fast_table_common(&table, load_relaxed(&routes->s_header->tick), &count))
        return pick_other(route, host, mapping, table.s_block, table.ref);
    uint32_t position = load_relaxed(position_of(route)) + load_relaxed(step_of(route));
    store_relaxed(position_of(route), position);
    const struct host_addr picked =
        fast_table_host(&table, count, cursor_host(position + mine->start, count));
    bool intact = block_intact(table.s_block, table.ref);
    rcu_leave_fast(section);
    if (!intact)
        return pick_slow(route, host);
    get_host_fill(number, picked, host);
    return counted(route, mine, LARSHM_OK);
}
