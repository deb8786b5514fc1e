/* SPDX-License-Identifier: MIT */
#include "reader/lookup.h"
#include "reader/mapping.h"
#include "reader/sized.h"

/* larshm.h reads states by itself. */
static_assert(STATES_IN_WORD == 16 && SHARE_EJECTED == 8 && SHARE_DRAINED == 15, "larshm_view_state()");

int larshm_route_begin_sized(larshm *h, uint32_t modid, uint32_t cmdid, larshm_view *view, size_t size)
{
    if (size < VIEW_SIZE_MIN)
        return LARSHM_BAD_ARGUMENT;
    struct lookup lookup;
    int code = lookup_begin(h, route_key(modid, cmdid), &lookup);
    if (code == LARSHM_OK) {
        mapping_pin(lookup.mapping);
        /* From here on the caller reads with plain loads what a fetcher may overwrite: only after grace_ms, and then
         * larshm_route_end() reports it. */
        const larshm_view shown = {
            .count = lookup.table.count,
            .addr = (const in_addr_t *)(const void *)lookup.table.s_addresses,
            .port = (const in_port_t *)(const void *)lookup.table.s_ports,
            .version = ref_version(lookup.table.ref),
            .private_mapping = lookup.mapping,
            .private_block = lookup.table.s_block,
            .private_ref = lookup.table.ref,
            .private_states = (const uint64_t *)(const void *)lookup.table.s_states,
        };
        fill_sized(view, size, &shown, sizeof(shown));
    }
    lookup_end();
    return code;
}

/* The function that programs built with 0.1 call, where larshm_route_begin() was not yet inline. */
__attribute__((visibility("default"))) int route_begin_0_1(larshm *h, uint32_t modid, uint32_t cmdid,
                                                           larshm_view *view) __asm__("larshm_route_begin");

int route_begin_0_1(larshm *h, uint32_t modid, uint32_t cmdid, larshm_view *view)
{
    return larshm_route_begin_sized(h, modid, cmdid, view, VIEW_SIZE_MIN);
}

int larshm_route_end(larshm *h, larshm_view *view)
{
    const struct table table = {.s_block = view->private_block, .ref = view->private_ref};
    bool intact = table_intact(&table);
    mapping_unpin(h, view->private_mapping);
    memset(view, 0, VIEW_SIZE_MIN);
    return intact ? LARSHM_OK : LARSHM_STALE;
}
