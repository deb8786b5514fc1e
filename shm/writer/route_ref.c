/* SPDX-License-Identifier: MIT */
#include "shm/writer/route_ref.h"

uint32_t route_ref_hosts(const struct route_ref *route, struct host_addr *out)
{
    if (!route_ref_is_here(route))
        return 0;
    table_hosts(&route->table, out);
    return route->table.count;
}

uint32_t route_ref_find_host(const struct route_ref *route, struct host_addr host)
{
    const struct table *table = &route->table;
    uint64_t wanted = host_addr_order(host);
    for (uint32_t low = 0, high = route_ref_count(route); low < high;) {
        uint32_t middle = low + (high - low) / 2;
        uint64_t here = host_addr_order((struct host_addr){load_relaxed(&table->s_addresses[middle]),
                                                           load_relaxed(&table->s_ports[middle])});
        if (here == wanted)
            return middle;
        if (here < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return HOST_NONE;
}

uint32_t route_ref_count_out(const struct route_ref *route)
{
    uint32_t out = 0, count = route_ref_count(route);
    if (count > 0 && load_relaxed(&route->table.s_block->limited) > 0)
        for (uint32_t host = 0; host < count; host++)
            out +=
                share_in(load_relaxed(&route->table.s_states[host / STATES_IN_WORD]), host) >= SHARE_EJECTED;
    return out;
}

bool route_ref_any_limited(const struct route_ref *route)
{
    uint64_t any = 0;
    for (uint32_t word = 0; word < STATE_WORDS(route_ref_count(route)); word++)
        any |= load_relaxed(&route->table.s_states[word]);
    return any != 0;
}
