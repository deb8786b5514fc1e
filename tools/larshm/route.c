/* SPDX-License-Identifier: MIT */
#include "tools/larshm/route.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "shm/clock.h"
#include "shm/hold_mark.h"
#include "shm/index.h"
#include "shm/table.h"
#include "tools/larshm/instance.h"

const char *const route_condition_names[ROUTE_CONDITIONS] = {
    [ROUTE_IS_NEW] = "new",   [ROUTE_IS_PULLING] = "pulling", [ROUTE_IS_EXPIRED] = "expired",
    [ROUTE_IS_HELD] = "held", [ROUTE_IS_NONE] = "none",
};

enum tint route_tint(enum route_condition condition)
{
    return condition == ROUTE_IS_EXPIRED || condition == ROUTE_IS_HELD ? TINT_WARNING : TINT_NONE;
}

const char *route_hold_name(unsigned reason)
{
    return reason == HOLD_EMPTY         ? "empty"
           : reason == HOLD_DROPPED     ? "dropped"
           : reason == HOLD_BEHIND      ? "behind"
           : reason == HOLD_UNCONFIRMED ? "unconfirmed"
                                        : "other";
}

const char *route_hold_text(unsigned reason)
{
    return reason == HOLD_EMPTY     ? "has no hosts"
           : reason == HOLD_DROPPED ? "takes away more hosts than max_drop allows"
           : reason == HOLD_BEHIND  ? "differs, and the directory is behind what was seen"
           : reason == HOLD_UNCONFIRMED
               ? "takes hosts away, and the directory, which may be another one than before, has not confirmed it"
               : "is held back for a reason that this version does not know";
}

const char *route_hold_key(unsigned reason)
{
    return reason == HOLD_EMPTY || reason == HOLD_DROPPED ? " ([fetcher] empty_hold)"
           : reason == HOLD_BEHIND                        ? " ([fetcher] behind_hold)"
                                                          : "";
}

static enum route_condition condition(const struct table *table, uint16_t mark, uint64_t now)
{
    if (table->count == 0)
        return ROUTE_IS_NONE;
    if (hold_mark_reason(mark))
        return ROUTE_IS_HELD;
    if (table->expires & EXPIRES_PULLING)
        return ROUTE_IS_PULLING;
    return now > table->expires ? ROUTE_IS_EXPIRED : ROUTE_IS_NEW;
}

/* Readers read them only where the table says that some host is limited. */
static void read_states(const struct table *table, uint64_t *out)
{
    for (uint32_t word = 0; word < STATE_WORDS(table->count); word++)
        out[word] = table->limited ? load_relaxed(&table->s_states[word]) : 0;
}

uint32_t route_host_share(const struct route *route, uint32_t at)
{
    return share_in(route->states[at / STATES_IN_WORD], at);
}

bool route_host_out(const struct route *route, uint32_t at)
{
    return route_host_share(route, at) >= SHARE_EJECTED;
}

bool route_host_drained(const struct route *route, uint32_t at)
{
    return route_host_share(route, at) == SHARE_DRAINED;
}

uint32_t route_count_out(const struct route *route)
{
    uint32_t count = 0;
    for (uint32_t at = 0; at < route->host_count; at++)
        count += route_host_out(route, at);
    return count;
}

uint32_t route_find_host(const struct route *route, struct host_addr host)
{
    uint32_t at = 0;
    while (at < route->host_count && host_addr_order(route->hosts[at]) != host_addr_order(host))
        at++;
    return at;
}

enum shm_status route_read(const struct routes *routes, uint32_t slot, struct route_key key, uint64_t now,
                           struct route *route)
{
    for (int round = 0; round < TABLE_RETRIES; round++) {
        struct table table;
        enum shm_status status = table_begin(routes, slot, key, &table);
        if (status != SHM_OK)
            return status;
        table_hosts(&table, route->hosts);
        read_states(&table, route->states);
        uint16_t mark = load_relaxed(&table.s_block->marks);
        enum route_condition found = condition(&table, mark, now);
        if (!table_intact(&table))
            continue;
        uint64_t fetched = table_fetched(&table);
        route->key = key;
        route->version = ref_version(table.ref);
        route->age_ms = now > fetched ? now - fetched : 0;
        route->condition = found;
        route->hold_reason = hold_mark_reason(mark);
        route->spared = (mark & MARK_SPARED) != 0;
        route->hold_left_ms = hold_mark_left(mark, load_relaxed(&routes->s_header->tick));
        route->snapshot_unix_ms = table_snapshot(routes, &table);
        route->update_timeout_s = table_update_timeout(routes, &table);
        route->host_count = table.count;
        return SHM_OK;
    }
    return SHM_CORRUPT;
}

enum shm_status route_load(const char *name, struct route_key key, struct route *out)
{
    struct instance instance;
    struct route route = {.hosts = malloc(HOSTS_MAX * sizeof(*route.hosts))};
    if (!route.hosts)
        return SHM_SYSTEM_ERROR;
    enum shm_status status = instance_open(name, &instance);
    if (status == SHM_OK) {
        uint32_t slot = index_find(&instance.routes, key);
        status =
            slot == SLOT_NONE ? SHM_PENDING : route_read(&instance.routes, slot, key, clock_tick(), &route);
        instance_close(&instance);
    }
    if (status == SHM_OK)
        *out = route;
    else
        free(route.hosts);
    return status;
}

struct text route_first_hosts(const struct route *route)
{
    enum {
        SHOWN = 3
    };
    struct text text = {""};
    size_t used = 0;
    for (uint32_t i = 0; i < route->host_count && i < SHOWN; i++)
        used += (size_t)snprintf(text.is + used, sizeof(text.is) - used, "%s%s", i ? " " : "",
                                 text_host(route->hosts[i]).is);
    if (route->host_count > SHOWN)
        snprintf(text.is + used, sizeof(text.is) - used, " ... %" PRIu32 " in all", route->host_count);
    return text;
}

struct entry {
    struct route_key key;
    uint32_t slot;
};

static int by_key(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    uint64_t one = route_key_number(a->key), other = route_key_number(b->key);
    return (one > other) - (one < other);
}

/* The slots in use, by key. NULL when memory ran out; the caller frees it. */
static struct entry *entries_of(const struct routes *routes, uint32_t *count)
{
    uint32_t used = 0, capacity = 1024;
    struct entry *entries = malloc(capacity * sizeof(*entries));
    for (uint32_t slot = 0; entries && slot < routes_slot_count(routes); slot++) {
        uint64_t word = load_acquire(&routes_slot(routes, slot)->key);
        if (word == 0)
            continue;
        if (used == capacity) {
            capacity *= 2;
            struct entry *larger = realloc(entries, capacity * sizeof(*entries));
            if (!larger)
                free(entries);
            entries = larger;
        }
        if (entries)
            entries[used++] = (struct entry){route_key_from_word(word), slot};
    }
    if (entries)
        qsort(entries, used, sizeof(*entries), by_key);
    *count = used;
    return entries;
}

int route_walk(const struct routes *routes, route_fn *each, void *context, unsigned long *damaged)
{
    uint32_t count = 0;
    struct entry *entries = entries_of(routes, &count);
    struct host_addr *hosts = malloc(HOSTS_MAX * sizeof(*hosts));
    struct route route = {.hosts = hosts};
    int result = entries && hosts ? 0 : -1;
    for (uint32_t i = 0; result == 0 && i < count; i++) {
        if (route_read(routes, entries[i].slot, entries[i].key, clock_tick(), &route) == SHM_OK)
            result = each(context, &route);
        else
            ++*damaged;
    }
    free(hosts);
    free(entries);
    return result;
}

int route_walk_unsorted(const struct routes *routes, route_fn *each, void *context, unsigned long *damaged)
{
    struct host_addr *hosts = malloc(HOSTS_MAX * sizeof(*hosts));
    struct route route = {.hosts = hosts};
    int result = hosts ? 0 : -1;
    for (uint32_t slot = 0; result == 0 && slot < routes_slot_count(routes); slot++) {
        uint64_t word = load_acquire(&routes_slot(routes, slot)->key);
        if (word == 0)
            continue;
        if (route_read(routes, slot, route_key_from_word(word), clock_tick(), &route) == SHM_OK)
            result = each(context, &route);
        else
            ++*damaged;
    }
    free(hosts);
    return result;
}
