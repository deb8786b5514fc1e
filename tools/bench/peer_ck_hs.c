/* SPDX-License-Identifier: MIT */
#include "tools/bench/peers.h"

#ifdef BENCH_CK

#include <ck_epoch.h>
#include <ck_hs.h>
#include <err.h>
#include <stdlib.h>

#include "tools/bench/bench.h"

/* What the set points at; a key alone is enough to find it. */
struct node {
    struct route_key key;
    uint32_t count;
    struct host_addr hosts[];
};

struct ck_table {
    ck_hs_t set;
    ck_epoch_t epoch;
    ck_epoch_record_t reader;
};

static unsigned long hash(const void *key, unsigned long seed)
{
    return route_key_hash(*(const struct route_key *)key, seed);
}

static bool equal(const void *a, const void *b)
{
    return route_key_number(*(const struct route_key *)a) == route_key_number(*(const struct route_key *)b);
}

static void free_map(void *map, size_t size, bool later)
{
    (void)size, (void)later;
    free(map);
}

static bool lookup(void *context, uint32_t route, larshm_host *out)
{
    struct peer_ck_hs *peer = context;
    struct ck_table *table = peer->table;
    const struct route_key key = fixture_key(route);
    ck_epoch_begin(&table->reader, NULL);
    const struct node *node = ck_hs_get(&table->set, CK_HS_HASH(&table->set, hash, &key), &key);
    if (node) {
        peer->phase += UINT32_C(0x9e3779b9);
        const struct host_addr *host = &node->hosts[(uint64_t)peer->phase * node->count >> 32];
        *out = (larshm_host){key.modid, key.cmdid, host->address, host->port};
    }
    ck_epoch_end(&table->reader, NULL);
    return node != NULL;
}

static bool fill(ck_hs_t *set, const struct fixture_shape *shape)
{
    for (uint32_t i = 0; i < shape->routes && !bench_stopped(); i++) {
        struct node *node = malloc(sizeof(*node) + shape->hosts * sizeof(*node->hosts));
        if (!node) {
            warnx("out of memory");
            return false;
        }
        node->key = fixture_key(i);
        node->count = shape->hosts;
        for (uint32_t host = 0; host < shape->hosts; host++)
            node->hosts[host] = fixture_host(i, host);
        if (!ck_hs_put(set, CK_HS_HASH(set, hash, node), node)) {
            free(node);
            warnx("ck_hs has no room for route %u", i);
            return false;
        }
    }
    return !bench_stopped();
}

bool peer_ck_hs_open(struct peer_ck_hs *peer, const struct fixture *fixture)
{
    static struct ck_malloc memory = {.malloc = malloc, .free = free_map};
    struct ck_table *table = aligned_alloc(_Alignof(struct ck_table), sizeof(*table));
    *peer = (struct peer_ck_hs){.workload.fixture = fixture};
    if (!table || !ck_hs_init(&table->set, CK_HS_MODE_SPMC | CK_HS_MODE_OBJECT, hash, equal, &memory,
                              2UL * fixture->shape.routes, 0)) {
        free(table);
        warnx("out of memory");
        return false;
    }
    ck_epoch_init(&table->epoch);
    ck_epoch_register(&table->epoch, &table->reader, NULL);
    peer->table = table;
    return fill(&table->set, &fixture->shape);
}

void peer_ck_hs_close(struct peer_ck_hs *peer)
{
    ck_hs_iterator_t at = CK_HS_ITERATOR_INITIALIZER;
    void *node;
    if (!peer->table)
        return;
    while (ck_hs_next(&peer->table->set, &at, &node))
        free(node);
    ck_hs_destroy(&peer->table->set);
    free(peer->table);
    *peer = (struct peer_ck_hs){.table = NULL};
}

bool peer_ck_hs_check(void *peer)
{
    return workload_check(&((struct peer_ck_hs *)peer)->workload, lookup, peer);
}

bool peer_ck_hs_run(void *peer, uint32_t calls)
{
    return workload_run(&((struct peer_ck_hs *)peer)->workload, calls, lookup, peer);
}

#else /* a benchmark without a name, which is not run */

bool peer_ck_hs_open(struct peer_ck_hs *peer, const struct fixture *fixture)
{
    *peer = (struct peer_ck_hs){.workload.fixture = fixture};
    return true;
}

void peer_ck_hs_close(struct peer_ck_hs *peer)
{
    (void)peer;
}

bool peer_ck_hs_check(void *peer)
{
    (void)peer;
    return true;
}

bool peer_ck_hs_run(void *peer, uint32_t calls)
{
    (void)peer, (void)calls;
    return true;
}

#endif
