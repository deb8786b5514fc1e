/* SPDX-License-Identifier: MIT */
#include "reader/get_host.h"
#include "reader/mapping.h"
#include "reader/sized.h"

/* larshm.h reads states by itself. */
static_assert(STATES_IN_WORD == 16 && SHARE_EJECTED == 8 && SHARE_DRAINED == 15, "larshm_view_state()");

struct shown {
    const struct block *s_block;
    const _Atomic uint32_t *s_addresses;
    const _Atomic uint16_t *s_ports;
    uint64_t ref;
    uint64_t count;
};

/* Each member by itself: a copy of the struct would load wider words than were just stored, and wait for them. */
static inline void show(const struct shown *shown, struct mapping *mapping, larshm_view *view)
{
    view->count = shown->count;
    view->addr = (const in_addr_t *)(const void *)shown->s_addresses;
    view->port = (const in_port_t *)(const void *)shown->s_ports;
    view->version = ref_version(shown->ref);
    view->private_mapping = mapping;
    view->private_block = shown->s_block;
    view->private_ref = shown->ref;
    view->private_states = (const uint64_t *)(const void *)shown->s_block->states;
}

/* In a section. From here on the caller reads with plain loads what a fetcher may overwrite: only after grace_ms, and then
 * larshm_route_end() reports it. */
static inline void begin(struct mapping *mapping, const struct shown *shown, larshm_view *view, size_t size)
{
    mapping_pin(mapping);
    if (__builtin_expect(size == sizeof(*view), 1)) {
        show(shown, mapping, view);
    } else {
        larshm_view whole;
        show(shown, mapping, &whole);
        fill_sized(view, size, &whole, sizeof(whole));
    }
}

static __attribute__((noinline)) int begin_slow(larshm *h, struct route_key key, larshm_view *view,
                                                size_t size)
{
    struct lookup lookup;
    const struct table *table = &lookup.table;
    int code = lookup_begin(h, key, &lookup);
    if (code == LARSHM_OK) {
        const struct shown shown = {table->s_block, table->s_addresses, table->s_ports, table->ref,
                                    table->count};
        begin(lookup.mapping, &shown, view, size);
    }
    lookup_end();
    return code;
}

/* False: take the slow path. */
static inline bool begin_fast(struct mapping *mapping, struct route_key key, larshm_view *view, size_t size)
{
    const struct routes *routes = &mapping->routes;
    struct fast_table table;
    struct shown shown;
    if (!get_host_current(routes) || !lookup_fast(routes, key, &table) ||
        !fast_table_fresh(&table, load_relaxed(&routes->s_header->tick)))
        return false;
    shown.count = fast_table_count(&table);
    if (shown.count == 0 ||
        !table_hosts_within(routes, table.s_block, (uint32_t)shown.count, &shown.s_addresses, &shown.s_ports))
        return false;
    shown.s_block = table.s_block;
    shown.ref = table.ref;
    begin(mapping, &shown, view, size);
    return true;
}

int larshm_route_begin_sized(larshm *h, uint32_t modid, uint32_t cmdid, larshm_view *view, size_t size)
{
    if (size < VIEW_SIZE_MIN)
        return LARSHM_BAD_ARGUMENT;
    struct thread_state *mine = &thread_state;
    struct route_key key = route_key(modid, cmdid);
    struct urcu_bp_reader *section = get_host_enter(h, mine);
    if (!section)
        return begin_slow(h, key, view, size);
    /* Pairs with mapping_renew(). */
    bool begun = begin_fast(load_acquire(&h->current), key, view, size);
    rcu_leave_fast(section);
    if (!begun)
        return begin_slow(h, key, view, size);
    mine->lookups++;
    return LARSHM_OK;
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
