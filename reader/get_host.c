/* SPDX-License-Identifier: MIT */
#include "reader/lookup.h"
#include "reader/pick.h"
#include "reader/thread.h"
#include "shm/index.h"

/*
 * The usual case in one piece: the key is in its home bucket, its table is in force, all of its hosts are in the turn,
 * nothing else is due. Reads as table_begin() does (R1 to R6), but once. False: something is different, and all is to be
 * done again with care; nothing has been counted.
 */
static inline bool get_as_usual(larshm *h, uint64_t key, larshm_host *host)
{
    struct thread_state *mine = &thread_state;
    if (mine->serial != h->serial || mine->since_batch + 1 >= COUNT_BATCH || mine->turn == 0)
        return false;
    rcu_enter();
    const struct routes *routes = &load_acquire(&h->current)->routes;
    struct table table;
    bool found = load_acquire(&routes->s_header->superseded) == SUPERSEDED_NO &&
                 table_at(routes, load_acquire(&index_guess(routes, key)->ref), key, &table) && table.count &&
                 table.out == 0 && load_relaxed(&routes->s_header->tick) <= table.expires;
    if (__builtin_expect(found, 1)) {
        uint32_t at = thread_pick(table.count);
        in_addr_t address = load_relaxed(&table.s_addresses[at]);
        in_port_t port = load_relaxed(&table.s_ports[at]);
        found = table_intact(&table);
        if (__builtin_expect(found, 1)) {
            *host = (larshm_host){key_modid(key), key_cmdid(key), address, port};
            mine->since_batch++;
        }
    }
    rcu_leave();
    return found;
}

static __attribute__((noinline)) int get_with_care(larshm *h, uint32_t modid, uint32_t cmdid,
                                                   larshm_host *host)
{
    struct lookup lookup;
    int code = lookup_begin(h, modid, cmdid, &lookup);
    for (int round = 0; code == LARSHM_OK; round++) {
        uint32_t at;
        larshm_host picked = {.modid = modid, .cmdid = cmdid};
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
        code = round < TABLE_RETRIES ? lookup_again(&lookup, route_key(modid, cmdid)) : LARSHM_CORRUPT;
    }
    lookup_end();
    return code;
}

int larshm_get_host(larshm *h, uint32_t modid, uint32_t cmdid, larshm_host *host)
{
    return get_as_usual(h, route_key(modid, cmdid), host) ? LARSHM_OK : get_with_care(h, modid, cmdid, host);
}
