/* SPDX-License-Identifier: MIT */
/* All routes that are cached: a walk over the slots of one generation, which is pinned. */
#include "reader/lookup.h"
#include "reader/mapping.h"

static_assert(sizeof(larshm_routes) == 32, "part of the ABI");

int larshm_routes_begin(larshm *h, larshm_routes *all)
{
    struct mapping *mapping = lookup_enter(h);
    mapping_pin(mapping);
    lookup_end();
    *all = (larshm_routes){.private_mapping = mapping};
    return LARSHM_OK;
}

/* Relaxed, the key: what is yielded of the slot is its value alone. The table, which says whether the slot is whole, has orders of
 * its own. */
int larshm_routes_next(larshm_routes *all, uint32_t *modid, uint32_t *cmdid)
{
    const struct mapping *mapping = all->private_mapping;
    if (!mapping)
        return LARSHM_END;
    const struct routes *routes = &mapping->routes;
    while (all->private_slot < routes_slot_count(routes)) {
        uint32_t slot = all->private_slot++;
        struct table table;
        index_fetch_ahead(routes, slot);
        uint64_t word = load_relaxed(&routes_slot(routes, slot)->key);
        struct route_key key = route_key_from_word(word);
        if (word == 0 || table_begin(routes, slot, key, &table) != SHM_OK)
            continue;
        *modid = key.modid;
        *cmdid = key.cmdid;
        return LARSHM_OK;
    }
    return LARSHM_END;
}

void larshm_routes_end(larshm *h, larshm_routes *all)
{
    struct mapping *mapping = all->private_mapping;
    *all = (larshm_routes){0};
    if (mapping)
        mapping_unpin(h, mapping);
}
