/* SPDX-License-Identifier: MIT */
#include "shm/writer/writer.h"

#include "shm/atomic.h"
#include "shm/doorbell.h"
#include "shm/index.h"
#include "shm/writer/writer_internal.h"

uint64_t writer_counter(const struct writer *writer, enum shm_counter counter)
{
    return load_relaxed(&writer_header(writer)->counters[counter]);
}

/* One writer: a load and a store make an addition. */
void writer_gauge(struct writer *writer, enum shm_counter counter, uint64_t value)
{
    store_relaxed(&writer_header(writer)->counters[counter], value);
}

void writer_count(struct writer *writer, enum shm_counter counter, uint64_t more)
{
    writer_gauge(writer, counter, writer_counter(writer, counter) + more);
}

void writer_connection(struct writer *writer, enum connection_state state, uint64_t now)
{
    store_relaxed(&writer_header(writer)->connection, (uint32_t)state);
    store_relaxed(&writer_header(writer)->connection_tick, now);
}

enum connection_state writer_connection_state(const struct writer *writer)
{
    return (enum connection_state)load_relaxed(&writer_header(writer)->connection);
}

bool writer_refusing(const struct writer *writer)
{
    return load_relaxed(&writer_header(writer)->refusing) != REFUSING_NOTHING;
}

void writer_reload(struct writer *writer, const struct writer_options *options)
{
    writer->max_unknown = options->max_unknown;
    settings_publish(&writer_header(writer)->settings, &options->settings);
}

uint64_t writer_generation(const struct writer *writer)
{
    return writer->now.publisher.routes.generation;
}

static void refuse(struct writer *writer, enum refusing why)
{
    if (load_relaxed(&writer_header(writer)->refusing) != (uint32_t)why)
        store_relaxed(&writer_header(writer)->refusing, (uint32_t)why);
}

static bool find(const struct writer *writer, struct route_key key, uint32_t *slot, struct table *table)
{
    const struct routes *routes = &writer->now.publisher.routes;
    *slot = index_find(routes, key);
    return *slot != SLOT_NONE && table_begin(routes, *slot, key, table) == SHM_OK;
}

enum route_state writer_state(const struct writer *writer, struct route_key key)
{
    uint32_t slot;
    struct table table;
    if (!find(writer, key, &slot, &table))
        return ROUTE_UNKNOWN;
    return table.expires & EXPIRES_PULLING ? ROUTE_PULLING : ROUTE_NEW;
}

bool writer_expired(const struct writer *writer, struct route_key key, uint64_t now)
{
    uint32_t slot;
    struct table table;
    /* PULLING makes `expires` larger than any tick. */
    return find(writer, key, &slot, &table) && now > table.expires;
}

void writer_set_pulling(struct writer *writer, struct route_key key)
{
    uint32_t slot = index_find(&writer->now.publisher.routes, key);
    if (slot != SLOT_NONE)
        publisher_set_pulling(&writer->now.publisher, slot);
}

void writer_set_new(struct writer *writer, struct route_key key)
{
    uint32_t slot = index_find(&writer->now.publisher.routes, key);
    if (slot != SLOT_NONE)
        publisher_set_new(&writer->now.publisher, slot);
}

uint32_t writer_hosts(const struct writer *writer, struct route_key key, struct host_addr *out)
{
    uint32_t slot;
    struct table table;
    if (!find(writer, key, &slot, &table))
        return 0;
    table_hosts(&table, out);
    return table.count;
}

uint32_t writer_find_host(const struct writer *writer, struct route_key key, struct host_addr host)
{
    uint32_t slot, low = 0;
    struct table table;
    if (!find(writer, key, &slot, &table))
        return HOST_NONE;
    /* Sorted by address, then by port, both as numbers. */
    uint64_t wanted = host_addr_order(host);
    for (uint32_t high = table.count; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        const struct host_addr there = {load_relaxed(&table.s_addresses[middle]),
                                        load_relaxed(&table.s_ports[middle])};
        if (host_addr_order(there) == wanted)
            return middle;
        if (host_addr_order(there) < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return HOST_NONE;
}

void writer_set_rotation(struct writer *writer, struct route_key key, uint32_t at, bool ejected, bool drained)
{
    uint32_t slot;
    struct table table;
    if (find(writer, key, &slot, &table) && at < table.count)
        publisher_set_rotation(&writer->now.publisher, slot, at, ejected, drained);
}

bool writer_any_ejected(const struct writer *writer, struct route_key key)
{
    uint32_t slot;
    struct table table;
    uint64_t any = 0;
    if (find(writer, key, &slot, &table))
        for (uint32_t word = 0; word < MASK_WORDS(table.count); word++)
            any |= load_relaxed(&table.s_masks[word]);
    return any != 0;
}

void writer_set_held(struct writer *writer, struct route_key key, bool held)
{
    uint32_t slot = index_find(&writer->now.publisher.routes, key);
    if (slot != SLOT_NONE)
        publisher_set_marks(&writer->now.publisher, slot, held ? MARK_HELD : 0);
}

bool writer_held(const struct writer *writer, struct route_key key)
{
    uint32_t slot;
    struct table table;
    return find(writer, key, &slot, &table) && load_relaxed(&table.s_block->marks) & MARK_HELD;
}

/* Moves a key between the gauges. */
static void recount(struct writer *writer, bool was_here, uint32_t before, uint32_t after)
{
    if (was_here)
        writer_count(writer, before ? COUNTER_routes : COUNTER_negative, UINT64_MAX);
    writer_count(writer, after ? COUNTER_routes : COUNTER_negative, 1);
}

/* A new generation drops entries that have expired. */
bool writer_unknown_full(struct writer *writer, uint64_t now, char message[static WRITER_MESSAGE_MAX])
{
    if (writer_counter(writer, COUNTER_negative) >= writer->max_unknown)
        writer_compact(writer, now, message);
    return writer_counter(writer, COUNTER_negative) >= writer->max_unknown;
}

enum shm_status writer_put(struct writer *writer, struct route_key key, const struct host_addr *hosts,
                           uint32_t count, const uint64_t *masks, uint32_t ttl_s, uint64_t now,
                           char message[static WRITER_MESSAGE_MAX])
{
    const struct publication publication = {
        .key = key, .hosts = hosts, .masks = masks, .count = count, .ttl_s = ttl_s};
    uint32_t slot;
    struct table old = {0};
    message[0] = '\0';
    if (route_key_is_none(key) || count > HOSTS_MAX || ttl_s > TTL_MAX_S)
        return SHM_BAD_ARGUMENT;
    bool here = find(writer, key, &slot, &old);
    if (!here && count == 0 && writer_unknown_full(writer, now, message)) {
        refuse(writer, REFUSING_MAX_UNKNOWN);
        writer_count(writer, COUNTER_refused_unknown, 1);
        return SHM_FULL;
    }

    enum put_result result = publisher_put(&writer->now.publisher, &publication, now);
    enum shm_status status = SHM_OK;
    if (result == PUT_NO_ROOM) {
        status = writer_grow(writer, block_units(count), now, message);
        if (status == SHM_OK) {
            /* An expired negative entry is dropped, and the gauges of the new generation do not count it. */
            here = find(writer, key, &slot, &old);
            result = publisher_put(&writer->now.publisher, &publication, now);
        }
    }
    switch (result) {
    case PUT_PUBLISHED:
        recount(writer, here, old.count, count);
        writer_count(writer, COUNTER_publishes, 1);
        break;
    case PUT_REFRESHED:
        writer_count(writer, COUNTER_refreshes, 1);
        break;
    case PUT_NO_ROOM:
        writer_set_new(writer, key);
        writer_count(writer, COUNTER_refused_full, 1);
        refuse(writer, status == SHM_NO_SPACE ? REFUSING_NO_SPACE : REFUSING_MAX_BYTES);
        return status == SHM_OK ? SHM_FULL : status;
    }
    if (!here)
        refuse(writer, REFUSING_NOTHING);
    return SHM_OK;
}

void writer_each_key(const struct writer *writer, void (*each)(void *context, struct route_key key),
                     void *context)
{
    const struct routes *routes = &writer->now.publisher.routes;
    for (uint32_t slot = 0; slot < routes_slot_count(routes); slot++) {
        index_fetch_ahead(routes, slot);
        uint64_t word = load_relaxed(&routes_slot(routes, slot)->key);
        if (word)
            each(context, route_key_from_word(word));
    }
}

void writer_heartbeat(struct writer *writer, uint64_t now)
{
    /* Relaxed: a reader that sees it late takes a table for younger than it is, for that long. */
    store_relaxed(&writer_header(writer)->tick, now);
    if (writer->now.publisher.rung_due) {
        writer->now.publisher.rung_due = false;
        doorbell_ring(writer_header(writer));
    }
}
