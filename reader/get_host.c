/* SPDX-License-Identifier: MIT */
#include "reader/lookup.h"
#include "reader/pick.h"
#include "reader/thread.h"
#include "shm/index.h"

/*
 * The usual case in one piece: the key is in its home bucket, its table is in force, all of its hosts are in the turn,
 * nothing else is due. Reads R1 to R6 once. False: something is different, and all is to be done again with care; nothing
 * has been counted.
 */
static inline bool get_as_usual(larshm *h, uint64_t key, larshm_host *host)
{
    struct thread_state *mine = &thread_state;
    if (mine->serial != h->serial || pace_lookups(mine->pace) >= COUNT_BATCH - 1 || !rcu_joined())
        return false;
    bool found = false;
    rcu_enter();
    const struct routes *routes = &load_acquire(&h->current)->routes;
    const struct routes_header *s_header = routes->s_header;
    if (load_acquire(&s_header->superseded) != SUPERSEDED_NO)
        goto leave;
    uint64_t ref = index_guess(routes, key);
    const struct block *s_block;
    if (!table_block(routes, ref, key, &s_block))
        goto leave;
    uint32_t count = load_relaxed(&s_block->count);
    if (count == 0 || load_relaxed(&s_block->out) != 0)
        goto leave;
    if (load_relaxed(&s_header->tick) > load_relaxed(&s_block->expires))
        goto leave;
    uint64_t pace = mine->pace + PACE_PICK + PACE_LOOKUP;
    uint32_t at = pace_pick(pace, count);
    const _Atomic uint16_t *s_port = block_ports(s_block, count) + at;
    if ((const void *)s_port >= routes->s_end)
        goto leave;
    in_addr_t address = load_relaxed(block_addresses(s_block, count) + at);
    in_port_t port = load_relaxed(s_port);
    if (!block_intact(s_block, ref))
        goto leave;
    *host = (larshm_host){key_modid(key), key_cmdid(key), address, port};
    mine->pace = pace;
    found = true;
leave:
    rcu_leave();
    return found;
}

static __attribute__((noinline)) int get_with_care(larshm *h, uint64_t key, larshm_host *host)
{
    struct lookup lookup;
    int code = lookup_begin(h, key, &lookup);
    for (int round = 0; code == LARSHM_OK; round++) {
        uint32_t at;
        larshm_host picked = {.modid = key_modid(key), .cmdid = key_cmdid(key)};
        int found = pick_host(&lookup, &at);
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

int larshm_get_host(larshm *h, uint32_t modid, uint32_t cmdid, larshm_host *host)
{
    uint64_t key = route_key(modid, cmdid);
    return get_as_usual(h, key, host) ? LARSHM_OK : get_with_care(h, key, host);
}
