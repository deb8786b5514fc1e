/* SPDX-License-Identifier: MIT */
/* The same peer, compiled as a program that inlines liburcu's functions. */
#define _LGPL_SOURCE
#include "tools/bench/peer_lfht.h"

static bool lookup(void *peer, uint32_t route, larshm_host *out)
{
    urcu_memb_read_lock();
    bool found = lfht_find(peer, route, out);
    urcu_memb_read_unlock();
    return found;
}

bool peer_lfht_inlined_check(void *peer)
{
    return workload_check(&((struct peer_lfht *)peer)->workload, lookup, peer);
}

bool peer_lfht_inlined_run(void *peer, uint32_t calls)
{
    return workload_run(&((struct peer_lfht *)peer)->workload, calls, lookup, peer);
}
