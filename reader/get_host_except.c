/* SPDX-License-Identifier: MIT */
#include "reader/get_host.h"

enum {
    STEPS_MOST = 16 /* over tried hosts: with 13 hosts the one that is left is so far away */
};

struct hosts {
    uint64_t count;
    const _Atomic uint32_t *s_addresses;
    const _Atomic uint16_t *s_ports;
};

/* False: there are none, or not all of them lie within the arena. */
static inline bool find_hosts(const struct routes *routes, const struct fast_table *table, struct hosts *out)
{
    out->count = fast_table_count(table);
    if (out->count > INNER_HOSTS)
        return table_hosts_within(routes, table->s_block, (uint32_t)out->count, &out->s_addresses,
                                  &out->s_ports);
    out->s_addresses = block_addresses(table->s_block, INNER_HOSTS);
    out->s_ports = (const _Atomic uint16_t *)(out->s_addresses + out->count);
    return out->count != 0;
}

static inline bool is_tried(const struct hosts *hosts, uint64_t at, const larshm_host *tried, size_t count)
{
    const struct host_addr host = {load_relaxed(&hosts->s_addresses[at]), load_relaxed(&hosts->s_ports[at])};
    return host_was_tried(host, tried, count);
}

/* Of a table that has no more hosts than were tried: none may be left, then any. */
static inline uint64_t pick_of_few(const struct hosts *hosts, uint32_t position, const larshm_host *tried,
                                   size_t count)
{
    uint32_t left = 0;
    for (uint64_t at = 0; at < hosts->count; at++)
        left |= (uint32_t)!is_tried(hosts, at, tried, count) << at;
    if (left == 0)
        return cursor_host(position, hosts->count);
    for (uint64_t rank = cursor_host(position, (uint32_t)__builtin_popcount(left)); rank > 0; rank--)
        left &= left - 1;
    return (uint32_t)__builtin_ctz(left);
}

/* The next one of the route's sequence that was not tried, so that all of these get the same share. */
static inline uint64_t pick_of_many(const struct thread_state *mine, const struct block *s_block,
                                    const struct hosts *hosts, uint32_t position, const larshm_host *tried,
                                    size_t count)
{
    uint32_t steps = 0;
    uint64_t at = cursor_host(position, hosts->count);
    for (int i = 0; is_tried(hosts, at, tried, count) && i < STEPS_MOST; i++) {
        steps += cursor_step(hosts->count);
        at = cursor_host(position + steps, hosts->count);
    }
    if (steps)
        cursor_skip(mine, s_block, steps);
    return at;
}

static inline bool find_except(struct mapping *mapping, uint64_t number, const larshm_host *tried,
                               size_t count, struct host_addr *out)
{
    const struct thread_state *mine = &thread_state;
    const struct routes *routes = &mapping->routes;
    struct fast_table table;
    struct hosts hosts;
    if (!get_host_current(routes) || !lookup_fast(routes, get_host_key(number), &table) ||
        !fast_table_fresh(&table, load_relaxed(&routes->s_header->tick)) ||
        !find_hosts(routes, &table, &hosts))
        return false;
    uint64_t at;
    if (__builtin_expect(fast_table_limited(&table) != 0, 0)) {
        at = pick_limited_except(mapping, table.s_block, (uint32_t)hosts.count, tried, count);
        if (at == PICK_NONE)
            return false;
    } else {
        uint32_t position = cursor_next(mine, table.s_block, hosts.count);
        at = hosts.count <= count ? pick_of_few(&hosts, position, tried, count)
                                  : pick_of_many(mine, table.s_block, &hosts, position, tried, count);
    }
    *out = (struct host_addr){load_relaxed(&hosts.s_addresses[at]), load_relaxed(&hosts.s_ports[at])};
    return block_intact(table.s_block, table.ref);
}

int larshm_get_host_except(larshm *h, uint32_t modid, uint32_t cmdid, const larshm_host *tried, size_t count,
                           larshm_host *host)
{
    if (count > TRIED_MAX)
        return LARSHM_BAD_ARGUMENT;
    uint64_t number = route_key_number(route_key(modid, cmdid));
    struct thread_state *mine = &thread_state;
    struct urcu_bp_reader *section = get_host_enter(h, mine);
    if (!section)
        return get_host_slow(h, number, tried, count, host);
    struct host_addr picked = {0, 0};
    /* Pairs with mapping_renew(). */
    bool found = find_except(load_acquire(&h->current), number, tried, count, &picked);
    rcu_leave_fast(section);
    return found ? get_host_give(mine, number, picked, host) : get_host_slow(h, number, tried, count, host);
}
