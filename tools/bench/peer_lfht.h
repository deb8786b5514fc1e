/* SPDX-License-Identifier: MIT */
/* The node of a route and one of its hosts, found inside of a read section, however that is entered. */
#ifndef TOOLS_BENCH_PEER_LFHT_H
#define TOOLS_BENCH_PEER_LFHT_H

#include <urcu/urcu-memb.h>

#include <urcu/rculfhash.h>

#include "tools/bench/peers.h"

struct lfht_node {
    struct cds_lfht_node in_table;
    uint64_t key;
    uint32_t count;
    struct host_addr hosts[];
};

static inline int lfht_matches(struct cds_lfht_node *in_table, const void *key)
{
    return caa_container_of(in_table, struct lfht_node, in_table)->key ==
           route_key_number(*(const struct route_key *)key);
}

static inline unsigned long lfht_hash(struct route_key key)
{
    return route_key_hash(key, 0);
}

static inline bool lfht_find(struct peer_lfht *peer, uint32_t route, larshm_host *out)
{
    struct cds_lfht_iter iter;
    struct route_key key = fixture_key(route);
    cds_lfht_lookup(peer->table, lfht_hash(key), lfht_matches, &key, &iter);
    struct cds_lfht_node *found = cds_lfht_iter_get_node(&iter);
    if (found) {
        const struct lfht_node *node = caa_container_of(found, struct lfht_node, in_table);
        peer->phase += UINT32_C(0x9e3779b9);
        const struct host_addr *host = &node->hosts[(uint64_t)peer->phase * node->count >> 32];
        *out = (larshm_host){key.modid, key.cmdid, host->address, host->port};
    }
    return found != NULL;
}

#endif
