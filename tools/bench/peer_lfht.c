/* SPDX-License-Identifier: MIT */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "tools/bench/bench.h"
#include "tools/bench/peer_lfht.h"

static bool lookup(void *peer, uint32_t route, larshm_host *out)
{
    urcu_memb_read_lock();
    bool found = lfht_find(peer, route, out);
    urcu_memb_read_unlock();
    return found;
}

static struct lfht_node *new_node(uint32_t route, uint32_t hosts)
{
    struct lfht_node *node = malloc(sizeof(*node) + hosts * sizeof(*node->hosts));
    if (!node)
        return NULL;
    cds_lfht_node_init(&node->in_table);
    node->key = route_key_number(fixture_key(route));
    node->count = hosts;
    for (uint32_t i = 0; i < hosts; i++)
        node->hosts[i] = fixture_host(route, i);
    return node;
}

static bool fill(struct cds_lfht *table, const struct fixture_shape *shape)
{
    for (uint32_t i = 0; i < shape->routes && !bench_stopped(); i++) {
        struct lfht_node *node = new_node(i, shape->hosts);
        if (!node) {
            warnx("out of memory");
            return false;
        }
        urcu_memb_read_lock();
        cds_lfht_add(table, lfht_hash(fixture_key(i)), &node->in_table);
        urcu_memb_read_unlock();
    }
    return !bench_stopped();
}

bool peer_lfht_open(struct peer_lfht *peer, const struct fixture *fixture, uint32_t offset)
{
    unsigned long buckets = 1;
    while (buckets < fixture->shape.routes)
        buckets *= 2;
    *peer = (struct peer_lfht){.workload = {.fixture = fixture, .offset = offset}};
    peer->table = cds_lfht_new_flavor(buckets, 1, buckets, 0, &urcu_memb_flavor, NULL);
    if (!peer->table) {
        warnx("out of memory");
        return false;
    }
    urcu_memb_register_thread();
    return fill(peer->table, &fixture->shape);
}

void peer_lfht_close(struct peer_lfht *peer)
{
    struct cds_lfht_iter iter;
    struct cds_lfht_node *found;
    if (!peer->table)
        return;
    urcu_memb_read_lock();
    cds_lfht_for_each(peer->table, &iter, found) {
        cds_lfht_del(peer->table, found);
        free(caa_container_of(found, struct lfht_node, in_table));
    }
    urcu_memb_read_unlock();
    cds_lfht_destroy(peer->table, NULL);
    urcu_memb_unregister_thread();
    *peer = (struct peer_lfht){0};
}

bool peer_lfht_check(void *peer)
{
    return workload_check(&((struct peer_lfht *)peer)->workload, lookup, peer);
}

bool peer_lfht_run(void *peer, uint32_t calls)
{
    return workload_run(&((struct peer_lfht *)peer)->workload, calls, lookup, peer);
}
