/* SPDX-License-Identifier: MIT */
/* The peer once more, compiled as a program is that takes liburcu's functions into its own code. */
#define _LGPL_SOURCE
#include "tools/bench/lfht_find.h"

static bool look(void *peer, uint32_t route, larshm_host *out)
{
    urcu_memb_read_lock();
    bool found = lfht_find(peer, route, out);
    urcu_memb_read_unlock();
    return found;
}

bool peer_lfht_inlined_check(void *peer)
{
    return walk_check(&((struct peer_lfht *)peer)->walk, look, peer);
}

bool peer_lfht_inlined_run(void *peer, uint32_t calls)
{
    return walk_run(&((struct peer_lfht *)peer)->walk, calls, look, peer);
}
