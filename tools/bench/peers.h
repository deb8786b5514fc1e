/* SPDX-License-Identifier: MIT */
/* What lookups are compared with, besides UDP (udp.h): hash tables, a database, and memory itself. */
#ifndef TOOLS_BENCH_PEERS_H
#define TOOLS_BENCH_PEERS_H

#include "tools/bench/workload.h"

/*
 * The peer inside of a process: a cds_lfht of liburcu with the same routes, looked up under rcu_read_lock. The memb
 * flavour, which liburcu recommends. The table has the size that it would grow to, and buckets in one piece (a maximum
 * is given).
 */
struct peer_lfht {
    struct workload workload;
    struct cds_lfht *table;
    uint32_t phase; /* of the picks, as in the library */
};

/* False: out of memory, said on stderr; or bench_stopped(). Close it in any case, in the same thread. */
bool peer_lfht_open(struct peer_lfht *peer, const struct fixture *fixture, uint32_t offset);
void peer_lfht_close(struct peer_lfht *peer);

/* For a struct benchmark. rcu_read_lock is called in liburcu's shared library, as our functions are in ours. */
bool peer_lfht_check(void *peer);
bool peer_lfht_run(void *peer, uint32_t calls);

/* Likewise. rcu_read_lock is inlined, as in programs that define _LGPL_SOURCE. */
bool peer_lfht_inlined_check(void *peer);
bool peer_lfht_inlined_run(void *peer, uint32_t calls);

/*
 * The peer with the same roles, one writer and many reading processes: an LMDB database in /dev/shm, keyed by integers.
 * Its read transaction is renewed and reset around each lookup, as in a reader that wants the newest routes. Its files
 * have lost their names by the time it is open.
 */
struct peer_lmdb {
    struct workload workload;
    struct MDB_env *env;
    struct MDB_txn *txn;
    unsigned int database;
    uint32_t phase;
};

#ifdef BENCH_LMDB
#define PEER_LMDB_NAME "LMDB"
#else
#define PEER_LMDB_NAME NULL /* built without liblmdb: not run */
#endif

/* False: said on stderr; or bench_stopped(). Close it in any case. */
bool peer_lmdb_open(struct peer_lmdb *peer, const struct fixture *fixture);
void peer_lmdb_close(struct peer_lmdb *peer);
bool peer_lmdb_check(void *peer);
bool peer_lmdb_run(void *peer, uint32_t calls);

/*
 * Concurrency Kit's hash set inside of a process, one writer and many readers, looked up within an epoch, with a node for
 * each route. It has room for twice as many.
 */
struct peer_ck_hs {
    struct workload workload;
    struct ck_table *table;
    uint32_t phase;
};

#ifdef BENCH_CK
#define PEER_CK_HS_NAME "ck_hs"
#else
#define PEER_CK_HS_NAME NULL
#endif

/* False: said on stderr; or bench_stopped(). Close it in any case. */
bool peer_ck_hs_open(struct peer_ck_hs *peer, const struct fixture *fixture);
void peer_ck_hs_close(struct peer_ck_hs *peer);
bool peer_ck_hs_check(void *peer);
bool peer_ck_hs_run(void *peer, uint32_t calls);

/*
 * DPDK's table inside of a process, with lookups that take no lock, and a node for each route. DPDK runs without huge pages,
 * devices, files and root. Bulks are of 50.
 */
struct peer_rte_hash {
    struct workload workload;
    struct rte_hash *table;
    uint32_t phase;
};

#ifdef BENCH_DPDK
#define PEER_RTE_HASH_NAME      "rte_hash"
#define PEER_RTE_HASH_BULK_NAME "rte_hash, bulks of 50"
#else
#define PEER_RTE_HASH_NAME      NULL
#define PEER_RTE_HASH_BULK_NAME NULL
#endif

/* False: said on stderr; or bench_stopped(). Close it in any case, and before the next one is opened. */
bool peer_rte_hash_open(struct peer_rte_hash *peer, const struct fixture *fixture);
void peer_rte_hash_close(struct peer_rte_hash *peer);
bool peer_rte_hash_check(void *peer);
bool peer_rte_hash_run(void *peer, uint32_t calls);
bool peer_rte_hash_bulk_check(void *peer);
bool peer_rte_hash_bulk_run(void *peer, uint32_t calls);

/* The limit of memory: reads of one cache line each, in a random order that only the line before gives. */
struct peer_memory {
    struct line *lines;
    uint32_t count, at;
};

/* False: out of memory, said on stderr. Close it in any case. */
bool peer_memory_open(struct peer_memory *peer, uint64_t bytes);
void peer_memory_close(struct peer_memory *peer);
bool peer_memory_check(void *peer);
bool peer_memory_run(void *peer, uint32_t calls);

#endif
