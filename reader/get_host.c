/* SPDX-License-Identifier: MIT */
#include "reader/get_host.h"

int get_host_slow(larshm *h, uint64_t number, const larshm_host *tried, size_t count, larshm_host *host)
{
    struct route_key key = get_host_key(number);
    struct lookup lookup;
    int code = lookup_begin(h, key, &lookup);
    for (int round = 0; code == LARSHM_OK; round++) {
        uint32_t at;
        larshm_host picked = {.modid = key.modid, .cmdid = key.cmdid};
        int found = count ? pick_host_except(&lookup, key, tried, count, &at) : pick_host(&lookup, key, &at);
        if (found == LARSHM_OK) {
            picked.addr = load_relaxed(&lookup.table.s_addresses[at]);
            picked.port = load_relaxed(&lookup.table.s_ports[at]);
        }
        if (table_intact(&lookup.table)) {
            code = found;
            if (found == LARSHM_OK)
                *host = picked;
            break;
        }
        code = round < TABLE_RETRIES ? lookup_again(&lookup, key) : LARSHM_CORRUPT;
    }
    lookup_end();
    return code;
}

static inline uint32_t pick_in_section(struct mapping *mapping, uint64_t number, const struct block *s_block,
                                       uint32_t count)
{
    if (load_relaxed(&s_block->limited) == 0)
        return pick_next(s_block, count);
    return pick_by_lars_rules(mapping) ? PICK_NONE
                                       : pick_limited(mapping, get_host_key(number), s_block, count);
}

/* A table of more than INNER_HOSTS, or with limited ones. Called in the section that larshm_get_host() has entered; leaves
 * it. */
static __attribute__((noinline)) int get_host_other(larshm *h, uint64_t number, larshm_host *host,
                                                    struct mapping *mapping, const struct block *s_block,
                                                    uint64_t ref)
{
    struct thread_state *mine = &thread_state;
    uint32_t count = load_relaxed(&s_block->count);
    const _Atomic uint32_t *s_addresses;
    const _Atomic uint16_t *s_ports;
    struct host_addr picked = {0, 0};
    bool within = count > 0 && table_hosts_within(&mapping->routes, s_block, count, &s_addresses, &s_ports);
    uint32_t at = within ? pick_in_section(mapping, number, s_block, count) : PICK_NONE;
    bool found = at != PICK_NONE;
    if (found) {
        picked = (struct host_addr){load_relaxed(&s_addresses[at]), load_relaxed(&s_ports[at])};
        found = block_intact(s_block, ref);
    }
    rcu_leave_fast(rcu_record());
    return found ? get_host_give(mine, number, picked, host) : get_host_slow(h, number, NULL, 0, host);
}

int larshm_get_host(larshm *h, uint32_t modid, uint32_t cmdid, larshm_host *host)
{
    uint64_t number = route_key_number(route_key(modid, cmdid));
    struct thread_state *mine = &thread_state;
    struct urcu_bp_reader *section = get_host_enter(h, mine);
    if (!section)
        return get_host_slow(h, number, NULL, 0, host);
    /* Pairs with mapping_renew(). */
    struct mapping *mapping = load_acquire(&h->current);
    struct fast_table table;
    if (!get_host_find(&mapping->routes, number, &table)) {
        rcu_leave_fast(section);
        return get_host_slow(h, number, NULL, 0, host);
    }
    if (__builtin_expect(table.count - 1 >= INNER_HOSTS, 0) || __builtin_expect(table.limited != 0, 0))
        return get_host_other(h, number, host, mapping, table.s_block, table.ref);
    uint64_t at = cursor_host(cursor_next(mine, table.s_block, table.count), table.count);
    const struct host_addr picked = fast_table_host(&table, at);
    bool intact = block_intact(table.s_block, table.ref);
    rcu_leave_fast(section);
    if (!intact)
        return get_host_slow(h, number, NULL, 0, host);
    return get_host_give(mine, number, picked, host);
}
