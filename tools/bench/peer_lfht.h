/* SPDX-License-Identifier: MIT */
/*
 * The peer inside of a process: a cds_lfht of liburcu with the same routes, looked up under rcu_read_lock. The memb
 * flavour, the one that liburcu recommends; the table has the size that it would grow to by itself, and buckets in one
 * piece (a maximum is given).
 */
#ifndef TOOLS_BENCH_PEER_LFHT_H
#define TOOLS_BENCH_PEER_LFHT_H

#include "tools/bench/walk.h"

struct cds_lfht;

struct peer_lfht {
    struct walk walk;
    struct cds_lfht *table;
    uint32_t turn; /* of the picks, as the library has them */
};

/* False: out of memory, said on stderr; or bench_stopped(). Close it in any case, in the same thread. */
bool peer_lfht_open(struct peer_lfht *peer, const struct world *world, uint32_t offset);
void peer_lfht_close(struct peer_lfht *peer);

/* A contender of race(): rcu_read_lock is called in liburcu's shared library, as our functions are in ours. */
bool peer_lfht_check(void *peer);
bool peer_lfht_run(void *peer, uint32_t calls);

/* Another: it is inlined, as in programs that define _LGPL_SOURCE. */
bool peer_lfht_inlined_check(void *peer);
bool peer_lfht_inlined_run(void *peer, uint32_t calls);

#endif
