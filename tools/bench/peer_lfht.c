/* SPDX-License-Identifier: MIT */
#define _LGPL_SOURCE
#include <urcu/rculfhash.h>
#include <urcu/urcu-memb.h>

#include "tools/bench/peer_lfht.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "tools/bench/bench.h"

struct node {
    struct cds_lfht_node in_table;
    uint64_t key;
    uint32_t count;
    struct host hosts[];
};

static int matches(struct cds_lfht_node *in_table, const void *key)
{
    return caa_container_of(in_table, struct node, in_table)->key == *(const uint64_t *)key;
}

static unsigned long hash_of(uint64_t key)
{
    return key_hash(key, 0);
}

/* Inside of a read section. */
static inline bool find(struct peer_lfht *peer, uint32_t route, larshm_host *out)
{
    struct cds_lfht_iter iter;
    uint64_t key = world_key(route);
    cds_lfht_lookup(peer->table, hash_of(key), matches, &key, &iter);
    struct cds_lfht_node *found = cds_lfht_iter_get_node(&iter);
    if (found) {
        const struct node *node = caa_container_of(found, struct node, in_table);
        peer->turn += UINT32_C(0x9e3779b9);
        const struct host *host = &node->hosts[(uint64_t)peer->turn * node->count >> 32];
        *out = (larshm_host){key_modid(key), key_cmdid(key), host->address, host->port};
    }
    return found != NULL;
}

/* _LGPL_SOURCE would have the plain names inlined: this is how those functions are called without it. */
static bool look(void *peer, uint32_t route, larshm_host *out)
{
    urcu_memb_flavor.read_lock();
    bool found = find(peer, route, out);
    urcu_memb_flavor.read_unlock();
    return found;
}

static bool look_inlined(void *peer, uint32_t route, larshm_host *out)
{
    urcu_memb_read_lock();
    bool found = find(peer, route, out);
    urcu_memb_read_unlock();
    return found;
}

static struct node *new_node(uint32_t route, uint32_t hosts)
{
    struct node *node = malloc(sizeof(*node) + hosts * sizeof(*node->hosts));
    if (!node)
        return NULL;
    cds_lfht_node_init(&node->in_table);
    node->key = world_key(route);
    node->count = hosts;
    for (uint32_t i = 0; i < hosts; i++)
        node->hosts[i] = world_host(route, i);
    return node;
}

static bool fill(struct cds_lfht *table, const struct world_shape *shape)
{
    for (uint32_t i = 0; i < shape->routes && !bench_stopped(); i++) {
        struct node *node = new_node(i, shape->hosts);
        if (!node) {
            warnx("out of memory");
            return false;
        }
        urcu_memb_read_lock();
        cds_lfht_add(table, hash_of(node->key), &node->in_table);
        urcu_memb_read_unlock();
    }
    return !bench_stopped();
}

bool peer_lfht_open(struct peer_lfht *peer, const struct world *world, uint32_t offset)
{
    unsigned long buckets = 1;
    while (buckets < world->shape.routes)
        buckets *= 2;
    *peer = (struct peer_lfht){.walk = {.world = world, .offset = offset}};
    peer->table = cds_lfht_new_flavor(buckets, 1, buckets, 0, &urcu_memb_flavor, NULL);
    if (!peer->table) {
        warnx("out of memory");
        return false;
    }
    urcu_memb_register_thread();
    return fill(peer->table, &world->shape);
}

void peer_lfht_close(struct peer_lfht *peer)
{
    struct cds_lfht_iter iter;
    struct cds_lfht_node *found;
    if (!peer->table)
        return;
    urcu_memb_read_lock();
    cds_lfht_for_each(peer->table, &iter, found)
    {
        cds_lfht_del(peer->table, found);
        free(caa_container_of(found, struct node, in_table));
    }
    urcu_memb_read_unlock();
    cds_lfht_destroy(peer->table, NULL);
    urcu_memb_unregister_thread();
    *peer = (struct peer_lfht){0};
}

bool peer_lfht_check(void *peer)
{
    return walk_check(&((struct peer_lfht *)peer)->walk, look, peer);
}

bool peer_lfht_run(void *peer, uint32_t calls)
{
    return walk_run(&((struct peer_lfht *)peer)->walk, calls, look, peer);
}

bool peer_lfht_inlined_check(void *peer)
{
    return walk_check(&((struct peer_lfht *)peer)->walk, look_inlined, peer);
}

bool peer_lfht_inlined_run(void *peer, uint32_t calls)
{
    return walk_run(&((struct peer_lfht *)peer)->walk, calls, look_inlined, peer);
}
