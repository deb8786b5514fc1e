/* SPDX-License-Identifier: MIT */
#include "fetcher/snapshot_collect.h"

#include "shm/clock.h"

enum {
    PART_BYTES = 1 << 16
};

void snapshot_collect_begin(struct snapshot_collector *collector)
{
    collector->generation = writer_generation(collector->writer);
    collector->slot = collector->record = 0;
    snapshot_encode_begin(&collector->encoder, collector->most, clock_unix_ms(), clock_tick());
}

/* Large tables, and routes with many records, make a part shorter. */
static bool is_full(const struct snapshot_collector *collector, size_t before)
{
    return collector->encoder.size - before >= PART_BYTES;
}

static void collect_routes(struct snapshot_collector *collector, uint32_t budget)
{
    uint32_t slots = writer_slot_count(collector->writer), left = slots - collector->slot;
    uint32_t end = collector->slot + (budget < left ? budget : left);
    size_t before = collector->encoder.size;
    struct route_ref route;
    while (!is_full(collector, before) &&
           writer_next_route_before(collector->writer, &collector->slot, end, &route))
        if (!writer_is_leaving(collector->writer, route.slot))
            snapshot_encode_route(&collector->encoder, &route);
}

/* A route's own record and those of its hosts, so that what it has absorbed is in one of them, and not in two. */
static void collect_hosts_of(struct snapshot_collector *collector, uint32_t own)
{
    struct host_store *store = collector->store;
    struct route_key key;
    struct host_addr host;
    for (uint32_t number = own; number != HOST_STORE_NONE; number = host_store_next(store, number))
        if (host_store_is(store, number, &key, &host))
            snapshot_encode_host(&collector->encoder, key, host, host_store_entry(store, number));
}

static void collect_hosts(struct snapshot_collector *collector, uint32_t budget)
{
    uint32_t used = host_store_used(collector->store), left = used - collector->record;
    uint32_t end = collector->record + (budget < left ? budget : left);
    size_t before = collector->encoder.size;
    for (; collector->record < end && !is_full(collector, before); collector->record++) {
        struct route_key key;
        struct host_addr host;
        if (host_store_is(collector->store, collector->record, &key, &host) && host_addr_is_none(host))
            collect_hosts_of(collector, collector->record);
    }
}

bool snapshot_collect(struct snapshot_collector *collector, uint32_t budget)
{
    uint32_t slots = writer_slot_count(collector->writer);
    if (collector->generation != writer_generation(collector->writer))
        snapshot_collect_begin(collector);
    else if (collector->slot < slots)
        collect_routes(collector, budget);
    else
        collect_hosts(collector, budget);
    return collector->slot < slots || collector->record < host_store_used(collector->store);
}
