/* SPDX-License-Identifier: MIT */
#include "reader/lookup.h"
#include "shm/reader/lookup_fast.h"

enum {
    AHEAD = 16 /* routes that are prefetched at the same time */
};

/* Prefetches bucket and table of all routes at once. A wrong guess costs an unused prefetch. */
static void fetch(larshm *h, const larshm_host *hosts, size_t count)
{
    rcu_enter();
    const struct routes *routes = &load_acquire(&h->current)->routes;
    for (size_t i = 0; i < count; i++)
        __builtin_prefetch(index_home(routes, route_key(hosts[i].modid, hosts[i].cmdid)));
    for (size_t i = 0; i < count; i++) {
        struct route_key key = route_key(hosts[i].modid, hosts[i].cmdid);
        uint32_t unit = ref_unit(lookup_fast_ref(routes, index_home(routes, key), key));
        if (unit < routes->arena_units)
            __builtin_prefetch(routes_block(routes, unit));
    }
    rcu_leave();
}

size_t larshm_get_host_batch(larshm *h, larshm_host *hosts, int *codes, size_t count)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (i % AHEAD == 0)
            fetch(h, hosts + i, count - i < AHEAD ? count - i : AHEAD);
        codes[i] = larshm_get_host(h, hosts[i].modid, hosts[i].cmdid, &hosts[i]);
        found += codes[i] == LARSHM_OK;
    }
    return found;
}

/* The name of 0.1. */
size_t larshm_get_hosts(larshm *h, larshm_host *hosts, int *codes, size_t count)
    __attribute__((alias("larshm_get_host_batch")));
