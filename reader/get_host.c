/* SPDX-License-Identifier: MIT */
#include "reader/lookup.h"
#include "reader/pick.h"
#include "reader/thread.h"
#include "shm/reader/lookup_fast.h"

/* The fast path, in one piece. False: take the slow path from the start; nothing has been counted. */
static inline bool get_host_fast(larshm *h, struct route_key key, larshm_host *host)
{
    struct thread_state *mine = &thread_state;
    if (mine->serial != h->serial || pending_lookups(mine->phase) >= COUNT_BATCH - 1 || !rcu_joined())
        return false;
    uint64_t phase = mine->phase + PHASE_PICK + PHASE_LOOKUP;
    struct host_addr picked;
    rcu_enter_joined();
    /* Pair with mapping_renew() and generation_install(), as in lookup_enter(). */
    const struct routes *routes = &load_acquire(&h->current)->routes;
    bool found = load_acquire(&routes->s_header->superseded) == SUPERSEDED_NO &&
                 lookup_fast(routes, key, phase_position(phase), &picked);
    rcu_leave_joined();
    if (!found)
        return false;
    *host = (larshm_host){key.modid, key.cmdid, picked.address, picked.port};
    mine->phase = phase;
    return true;
}

static __attribute__((noinline)) int get_host_slow(larshm *h, struct route_key key, larshm_host *host)
{
    struct lookup lookup;
    int code = lookup_begin(h, key, &lookup);
    for (int round = 0; code == LARSHM_OK; round++) {
        uint32_t at;
        larshm_host picked = {.modid = key.modid, .cmdid = key.cmdid};
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
    struct route_key key = route_key(modid, cmdid);
    return get_host_fast(h, key, host) ? LARSHM_OK : get_host_slow(h, key, host);
}
