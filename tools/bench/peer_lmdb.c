/* SPDX-License-Identifier: MIT */
#include "tools/bench/peers.h"

#ifdef BENCH_LMDB

#include <err.h>
#include <lmdb.h>
#include <stdio.h>
#include <unistd.h>

#include "tools/bench/bench.h"

enum {
    PUTS_PER_TXN = 10000,
};

static bool fine(int code)
{
    if (code != 0)
        warnx("LMDB: %s", mdb_strerror(code));
    return code == 0;
}

static bool lookup(void *context, uint32_t route, larshm_host *out)
{
    struct peer_lmdb *peer = context;
    const struct route_key wanted = fixture_key(route);
    size_t number = route_key_number(wanted);
    MDB_val key = {sizeof(number), &number}, value;
    bool found = mdb_txn_renew(peer->txn) == 0 && mdb_get(peer->txn, peer->database, &key, &value) == 0;
    if (found) {
        peer->phase += UINT32_C(0x9e3779b9);
        const struct host_addr *hosts = value.mv_data;
        const struct host_addr *host = &hosts[(uint64_t)peer->phase * (value.mv_size / sizeof(*hosts)) >> 32];
        *out = (larshm_host){wanted.modid, wanted.cmdid, host->address, host->port};
    }
    mdb_txn_reset(peer->txn);
    return found;
}

/* Routes from `first` on, in one transaction. */
static bool put_some(struct peer_lmdb *peer, const struct fixture_shape *shape, uint32_t first)
{
    struct host_addr hosts[HOSTS_MAX];
    MDB_txn *txn = NULL;
    int code = mdb_txn_begin(peer->env, NULL, 0, &txn);
    if (code == 0)
        code = mdb_dbi_open(txn, NULL, MDB_INTEGERKEY, &peer->database);
    for (uint32_t route = first; code == 0 && route < shape->routes && route - first < PUTS_PER_TXN;
         route++) {
        size_t number = route_key_number(fixture_key(route));
        MDB_val key = {sizeof(number), &number}, value = {shape->hosts * sizeof(*hosts), hosts};
        for (uint32_t i = 0; i < shape->hosts; i++)
            hosts[i] = fixture_host(route, i);
        code = mdb_put(txn, peer->database, &key, &value, 0);
    }
    if (code == 0)
        code = mdb_txn_commit(txn);
    else if (txn)
        mdb_txn_abort(txn);
    return fine(code);
}

static bool open_env(struct peer_lmdb *peer, const struct fixture *fixture)
{
    char file[64], lock[80];
    const size_t most = (size_t)1 << 20;
    size_t bytes =
        most + (size_t)fixture->shape.routes * 4 * (64 + fixture->shape.hosts * sizeof(struct host_addr));
    snprintf(file, sizeof(file), "/dev/shm/%s.lmdb", fixture->instance);
    snprintf(lock, sizeof(lock), "%s-lock", file);
    bool done = fine(mdb_env_create(&peer->env)) &&
                fine(mdb_env_set_mapsize(peer->env, bytes & ~(size_t)0xfff)) &&
                fine(mdb_env_open(peer->env, file, MDB_NOSUBDIR | MDB_NOSYNC, 0600));
    unlink(file);
    unlink(lock);
    return done;
}

bool peer_lmdb_open(struct peer_lmdb *peer, const struct fixture *fixture)
{
    *peer = (struct peer_lmdb){.workload.fixture = fixture};
    bool done = open_env(peer, fixture);
    for (uint32_t first = 0; done && first < fixture->shape.routes; first += PUTS_PER_TXN)
        done = !bench_stopped() && put_some(peer, &fixture->shape, first);
    if (!done || !fine(mdb_txn_begin(peer->env, NULL, MDB_RDONLY, &peer->txn)))
        return false;
    mdb_txn_reset(peer->txn);
    return true;
}

void peer_lmdb_close(struct peer_lmdb *peer)
{
    if (peer->txn)
        mdb_txn_abort(peer->txn);
    if (peer->env)
        mdb_env_close(peer->env);
    *peer = (struct peer_lmdb){0};
}

bool peer_lmdb_check(void *peer)
{
    return workload_check(&((struct peer_lmdb *)peer)->workload, lookup, peer);
}

bool peer_lmdb_run(void *peer, uint32_t calls)
{
    return workload_run(&((struct peer_lmdb *)peer)->workload, calls, lookup, peer);
}

#else /* a benchmark without a name, which is not run */

bool peer_lmdb_open(struct peer_lmdb *peer, const struct fixture *fixture)
{
    *peer = (struct peer_lmdb){.workload.fixture = fixture};
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

#endif
