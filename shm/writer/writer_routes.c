/* SPDX-License-Identifier: MIT */
#include "shm/writer/writer.h"

#include "shm/atomic.h"
#include "shm/doorbell.h"
#include "shm/writer/writer_internal.h"

static void refuse(struct writer *writer, enum refusing why)
{
    if (load_relaxed(&writer_header(writer)->refusing) != (uint32_t)why)
        store_relaxed(&writer_header(writer)->refusing, (uint32_t)why);
}

/* In a slot whose table makes no sense there is no route; the next generation leaves it out. */
static struct route_ref route_at(const struct routes *routes, struct route_key key, uint32_t slot,
                                 uint32_t empty)
{
    struct route_ref route = {.key = key, .slot = slot, .empty = empty};
    if (slot != SLOT_NONE && table_begin(routes, slot, key, &route.table) != SHM_OK)
        route.slot = SLOT_NONE;
    return route;
}

struct route_ref writer_find(const struct writer *writer, struct route_key key)
{
    const struct routes *routes = &writer->now.publisher.routes;
    uint32_t empty = SLOT_NONE, slot = index_probe(routes, key, &empty);
    return route_at(routes, key, slot, empty);
}

uint32_t writer_slot_count(const struct writer *writer)
{
    return routes_slot_count(&writer->now.publisher.routes);
}

bool writer_may_have_dropped(const struct writer *writer, struct route_key key)
{
    return key_sketch_may_have(&writer->dropped, key);
}

void writer_forget_dropped(struct writer *writer)
{
    writer->dropped = (struct key_sketch){0};
}

bool writer_route_at(const struct writer *writer, uint32_t slot, struct route_ref *out)
{
    const struct routes *routes = &writer->now.publisher.routes;
    uint64_t word = load_relaxed(&routes_slot(routes, slot)->key);
    if (!word)
        return false;
    *out = route_at(routes, route_key_from_word(word), slot, SLOT_NONE);
    return route_ref_is_here(out);
}

bool writer_next_route(const struct writer *writer, uint32_t *slot, struct route_ref *out)
{
    return writer_next_route_before(writer, slot, writer_slot_count(writer), out);
}

bool writer_next_route_before(const struct writer *writer, uint32_t *slot, uint32_t end,
                              struct route_ref *out)
{
    const struct routes *routes = &writer->now.publisher.routes;
    while (*slot < end) {
        index_fetch_ahead(routes, *slot);
        if (writer_route_at(writer, (*slot)++, out))
            return true;
    }
    return false;
}

bool writer_next_event(struct writer *writer, struct event *out)
{
    return event_take(&writer->events, out);
}

void writer_set_pulling(struct writer *writer, const struct route_ref *route)
{
    if (route_ref_is_here(route))
        publisher_set_pulling(&writer->now.publisher, route->slot);
}

void writer_set_new(struct writer *writer, const struct route_ref *route)
{
    if (route_ref_is_here(route))
        publisher_set_new(&writer->now.publisher, route->slot);
}

void writer_set_share(struct writer *writer, const struct route_ref *route, uint32_t at, uint32_t share)
{
    if (at < route_ref_count(route))
        publisher_set_share(&writer->now.publisher, route->slot, at, share);
}

void writer_set_held(struct writer *writer, const struct route_ref *route, uint16_t mark)
{
    if (route_ref_is_here(route))
        publisher_set_marks(&writer->now.publisher, route->slot, (uint16_t)~MARK_SPARED, mark);
}

void writer_set_spared(struct writer *writer, const struct route_ref *route, bool spared)
{
    if (route_ref_is_here(route))
        publisher_set_marks(&writer->now.publisher, route->slot, (uint16_t)MARK_SPARED,
                            (uint16_t)(spared ? MARK_SPARED : 0));
}

void writer_recount(struct writer *writer)
{
    const struct publisher *publisher = &writer->now.publisher;
    writer_gauge(writer, COUNTER_routes, publisher->keys - publisher->negative);
    writer_gauge(writer, COUNTER_negative, publisher->negative);
}

static enum refusing reason(const struct writer *writer, enum shm_status status)
{
    return status == SHM_NO_SPACE ? writer->no_space_reason
           : status == SHM_FULL   ? REFUSING_MAX_BYTES
                                  : REFUSING_SYSTEM;
}

static enum shm_status refuse_put(struct writer *writer, const struct route_ref *route,
                                  enum shm_status status)
{
    writer_set_new(writer, route);
    writer_count(writer, COUNTER_refused_full, 1);
    refuse(writer, reason(writer, status));
    return status;
}

/* A changed or deleted route is not dropped for lack of room: see writer_next_late(). */
static enum shm_status postpone(struct writer *writer, const struct route_ref *route,
                                const struct publication *table, uint64_t now, enum shm_status why)
{
    writer_stay(writer, route->slot);
    if (!postponed_add(&writer->postponed, table, now, block_units(route_ref_count(route)),
                       writer->now.publisher.routes.arena_units))
        return refuse_put(writer, route, why);
    writer_set_new(writer, route);
    refuse(writer, reason(writer, why));
    return SHM_OK;
}

static enum put_result put(struct writer *writer, struct route_ref *route, const struct publication *table,
                           uint64_t now)
{
    uint32_t before = route_ref_count(route);
    bool new_key = !route_ref_is_here(route);
    if (new_key && !writer_has_room_for_key(writer, block_units(table->count)))
        return PUT_NO_ROOM;
    enum put_result result = publisher_put(&writer->now.publisher, &route->slot, route->empty, table, now);
    if (result == PUT_PUBLISHED && !new_key)
        writer_resize_leaving(writer, route->slot, block_units(before), block_units(table->count));
    return result;
}

enum shm_status writer_put(struct writer *writer, struct route_ref *route, const struct host_addr *hosts,
                           uint32_t count, const uint64_t *states, uint32_t ttl_s, uint64_t now,
                           bool *changed)
{
    const struct publication table = {.key = route->key,
                                      .hosts = hosts,
                                      .states = states,
                                      .count = count,
                                      .ttl_s = ttl_s,
                                      .marks = route_ref_is_spared(route) ? MARK_SPARED : 0};
    *changed = false;
    if (route_key_is_none(route->key) || count > HOSTS_MAX || ttl_s > TTL_MAX_S)
        return SHM_BAD_ARGUMENT;
    if (!route_ref_is_here(route) && count == 0) {
        bool full = writer_unknown_full(writer, now);
        *route = writer_find(writer, route->key); /* that may have made a generation */
        if (full) {
            refuse(writer, REFUSING_MAX_UNKNOWN);
            writer_count(writer, COUNTER_refused_unknown, 1);
            return SHM_FULL;
        }
    }
    bool new_key = !route_ref_is_here(route);
    enum put_result result = put(writer, route, &table, now);
    for (int grown = 0; result == PUT_NO_ROOM && grown < 2; grown++) {
        enum shm_status status = writer_grow(writer, block_units(count), new_key, now);
        if (status != SHM_OK)
            return new_key ? refuse_put(writer, route, status) : postpone(writer, route, &table, now, status);
        *route = writer_find(writer, route->key); /* a new generation has dropped an expired negative entry */
        result = put(writer, route, &table, now);
    }
    switch (result) {
    case PUT_PUBLISHED:
        *changed = true;
        *route = route_at(&writer->now.publisher.routes, route->key, route->slot, SLOT_NONE);
        writer_recount(writer);
        writer_count(writer, COUNTER_publishes, 1);
        break;
    case PUT_REFRESHED:
        writer_count(writer, COUNTER_refreshes, 1);
        if (count == 0)
            writer->now.publisher.ring_due |=
                DOORBELL_ANSWERS; /* clients wait for a newer "no such route", too */
        break;
    case PUT_NO_ROOM:
        return new_key ? refuse_put(writer, route, SHM_FULL) : postpone(writer, route, &table, now, SHM_FULL);
    }
    /* Also of a route that is new: it may have been cached before, see import_tables(). */
    postponed_drop(&writer->postponed, route->key);
    if (new_key)
        refuse(writer, REFUSING_NOTHING);
    return SHM_OK;
}

void writer_heartbeat(struct writer *writer, uint64_t now)
{
    /* Relaxed: a reader that sees it late takes a table for younger than it is, for that long. */
    store_relaxed(&writer_header(writer)->tick, now);
    writer_ring(writer);
}

void writer_ring(struct writer *writer)
{
    uint32_t due = writer->now.publisher.ring_due;
    if (due) {
        writer->now.publisher.ring_due = 0;
        doorbell_ring(writer_header(writer), due);
    }
}

_Atomic uint32_t *writer_knock(const struct writer *writer)
{
    return &writer->now.stats.control.s_header->knock;
}
