/* SPDX-License-Identifier: MIT */
#include "reader/get_host.h"

static int pick_of_found(struct lookup *lookup, int code, uint64_t number, const larshm_host *tried,
                         size_t count, larshm_host *host)
{
    struct route_key key = get_host_key(number);
    for (int round = 0; code == LARSHM_OK; round++) {
        uint32_t at;
        larshm_host picked = {.modid = key.modid, .cmdid = key.cmdid};
        int found = count ? pick_host_except(lookup, tried, count, &at) : pick_host(lookup, &at);
        if (found == LARSHM_OK) {
            picked.addr = load_relaxed(&lookup->table.s_addresses[at]);
            picked.port = load_relaxed(&lookup->table.s_ports[at]);
        }
        if (table_intact(&lookup->table)) {
            code = found;
            if (found == LARSHM_OK)
                *host = picked;
            break;
        }
        code = round < TABLE_RETRIES ? lookup_again(lookup, key) : LARSHM_CORRUPT;
    }
    return code;
}

int get_host_slow(larshm *h, uint64_t number, const larshm_host *tried, size_t count, larshm_host *host)
{
    struct lookup lookup;
    int code = lookup_begin(h, get_host_key(number), &lookup);
    code = pick_of_found(&lookup, code, number, tried, count, host);
    lookup_end();
    return code;
}

static __attribute__((noinline)) int pick_carefully(struct mapping *mapping, uint64_t number,
                                                    larshm_host *host)
{
    struct lookup lookup;
    int code = lookup_find(&lookup, mapping, get_host_key(number));
    return pick_of_found(&lookup, code, number, NULL, 0, host);
}

/* GET_HOST_SLOW: the table has changed meanwhile, or is damaged. */
static __attribute__((always_inline)) inline int pick_of_table(struct mapping *mapping, uint64_t number,
                                                               const struct block *s_block, uint64_t ref,
                                                               larshm_host *host)
{
    uint32_t count = load_relaxed(&s_block->count);
    const _Atomic uint32_t *s_addresses = block_addresses(s_block, INNER_HOSTS);
    const _Atomic uint16_t *s_ports = (const _Atomic uint16_t *)(s_addresses + count);
    if (count == 0)
        return block_intact(s_block, ref) ? LARSHM_NOEXIST : GET_HOST_SLOW;
    if (count > INNER_HOSTS && !table_hosts_within(&mapping->routes, s_block, count, &s_addresses, &s_ports))
        return GET_HOST_SLOW;
    uint32_t at = load_relaxed(&s_block->limited) == 0 ? pick_next(s_block, count)
                  : pick_by_lars_rules(mapping)        ? pick_limited_lars(mapping, s_block, count)
                                                       : pick_limited(mapping, s_block, count);
    struct host_addr picked = {0, 0};
    if (at != PICK_NONE)
        picked = (struct host_addr){load_relaxed(&s_addresses[at]), load_relaxed(&s_ports[at])};
    if (!block_intact(s_block, ref))
        return GET_HOST_SLOW;
    if (at == PICK_NONE)
        return LARSHM_OVERLOAD;
    get_host_fill(number, picked, host);
    return LARSHM_OK;
}

/*
 * What the fast path has not found. A key of which the home bucket has room is in no other, so it is unknown. Relaxed: of a
 * key that was published before the lookup began, key and ref are seen; one that is being published is demanded without need.
 */
static inline int pick_missing(struct mapping *mapping, uint64_t number, larshm_host *host)
{
    struct route_key key = get_host_key(number);
    const struct slot *s_home = index_home(&mapping->routes, key);
    if (bucket_is_full(s_home) || bucket_ref(s_home, key) || route_key_is_none(key))
        return pick_carefully(mapping, number, host);
    return lookup_missed(mapping, key);
}

static __attribute__((always_inline)) inline int pick_other(struct mapping *mapping, uint64_t number,
                                                            const struct block *s_block, uint64_t ref,
                                                            larshm_host *host)
{
    if (lookup_lacks_control(mapping))
        return GET_HOST_SLOW;
    if (!s_block)
        return pick_missing(mapping, number, host);
    bool expired = load_relaxed(&mapping->routes.s_header->tick) > load_relaxed(&s_block->expires);
    int code = pick_of_table(mapping, number, s_block, ref, host);
    if (code == GET_HOST_SLOW)
        return pick_carefully(mapping, number, host);
    if (expired)
        lookup_expired(mapping, number);
    return code;
}

int get_host_other(struct mapping *mapping, uint64_t number, const struct block *s_block, uint64_t ref,
                   larshm_host *host)
{
    return pick_other(mapping, number, s_block, ref, host);
}

/* Leaves the section that larshm_get_host() has entered. */
static __attribute__((noinline)) int get_host_leave(larshm *h, uint64_t number, larshm_host *host,
                                                    struct mapping *mapping, const struct block *s_block,
                                                    uint64_t ref)
{
    int code = pick_other(mapping, number, s_block, ref, host);
    rcu_leave_fast(rcu_record());
    if (code == GET_HOST_SLOW)
        return get_host_slow(h, number, NULL, 0, host);
    thread_state.lookups++;
    return code;
}

int larshm_get_host(larshm *h, uint32_t modid, uint32_t cmdid, larshm_host *host)
{
    uint64_t number = route_key_number(route_key(modid, cmdid));
    struct thread_state *mine = &thread_state;
    CURSOR_HIDE(mine);
    struct urcu_bp_reader *section = get_host_enter(h, mine);
    if (!section)
        return get_host_slow(h, number, NULL, 0, host);
    /* Pairs with mapping_renew(). */
    struct mapping *mapping = load_acquire(&h->current);
    struct fast_table table;
    if (!get_host_current(&mapping->routes)) {
        rcu_leave_fast(section);
        return get_host_slow(h, number, NULL, 0, host);
    }
    struct route_key key = get_host_key(number);
    if (!lookup_fast(&mapping->routes, key, &table))
        return get_host_leave(h, number, host, mapping, NULL, 0);
    uint64_t count;
    if (!fast_table_common(&table, load_relaxed(&mapping->routes.s_header->tick), &count))
        return get_host_leave(h, number, host, mapping, table.s_block, table.ref);
    const struct host_addr picked =
        fast_table_host(&table, count, cursor_host(cursor_next(mine, table.s_block, count), count));
    bool intact = block_intact(table.s_block, table.ref);
    rcu_leave_fast(section);
    if (!intact)
        return get_host_slow(h, number, NULL, 0, host);
    return get_host_give(mine, number, picked, host);
}
