/* SPDX-License-Identifier: MIT */
/* In the place of peer_lmdb.c where liblmdb is not installed: a contender without a name, which nobody runs. */
#include "tools/bench/peer_lmdb.h"

bool peer_lmdb_open(struct peer_lmdb *peer, const struct world *world)
{
    *peer = (struct peer_lmdb){.walk.world = world};
    return true;
}

void peer_lmdb_close(struct peer_lmdb *peer)
{
    (void)peer;
}

bool peer_lmdb_check(void *peer)
{
    (void)peer;
    return true;
}

bool peer_lmdb_run(void *peer, uint32_t calls)
{
    (void)peer, (void)calls;
    return true;
}
