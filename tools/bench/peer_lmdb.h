/* SPDX-License-Identifier: MIT */
/*
 * The peer of the same species, one writer and many reading processes: an LMDB database in /dev/shm, keyed by integers,
 * its read transaction renewed and reset around each lookup, as a reader must that wants the newest routes. Its files
 * have lost their names by the time it is open.
 */
#ifndef TOOLS_BENCH_PEER_LMDB_H
#define TOOLS_BENCH_PEER_LMDB_H

#include "tools/bench/walk.h"

#ifdef BENCH_LMDB
#define PEER_LMDB_NAME "LMDB"
#else
#define PEER_LMDB_NAME NULL /* liblmdb was not there when this was built */
#endif

struct peer_lmdb {
    struct walk walk;
    struct MDB_env *env;
    struct MDB_txn *txn;
    unsigned int database;
    uint32_t turn;
};

/* False: said on stderr; or bench_stopped(). Close it in any case. Without liblmdb there is nothing to open. */
bool peer_lmdb_open(struct peer_lmdb *peer, const struct world *world);
void peer_lmdb_close(struct peer_lmdb *peer);

/* A contender of race(). */
bool peer_lmdb_check(void *peer);
bool peer_lmdb_run(void *peer, uint32_t calls);

#endif
