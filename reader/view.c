/* SPDX-License-Identifier: MIT */
#include "reader/lookup.h"
#include "reader/mapping.h"

int larshm_route_begin(larshm *h, uint32_t modid, uint32_t cmdid, larshm_view *view)
{
    struct lookup lookup;
    int code = lookup_begin(h, route_key(modid, cmdid), &lookup);
    if (code == LARSHM_OK) {
        mapping_pin(lookup.mapping);
        /* From here on the caller reads with plain loads what a fetcher may overwrite: only after grace_ms, and then
         * larshm_route_end() reports it. */
        *view = (larshm_view){
            .count = lookup.table.count,
            .addr = (const in_addr_t *)(const void *)lookup.table.s_addresses,
            .port = (const in_port_t *)(const void *)lookup.table.s_ports,
            .version = ref_version(lookup.table.ref),
            .private_mapping = lookup.mapping,
            .private_block = lookup.table.s_block,
            .private_ref = lookup.table.ref,
        };
    }
    lookup_end();
    return code;
}

int larshm_route_end(larshm *h, larshm_view *view)
{
    const struct table table = {.s_block = view->private_block, .ref = view->private_ref};
    bool intact = table_intact(&table);
    mapping_unpin(h, view->private_mapping);
    *view = (larshm_view){0};
    return intact ? LARSHM_OK : LARSHM_STALE;
}
