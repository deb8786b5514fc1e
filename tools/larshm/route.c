/* SPDX-License-Identifier: MIT */
#include "tools/larshm/route.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "shm/clock.h"
#include "shm/table.h"

const char *const route_condition_names[ROUTE_CONDITIONS] = {
    [ROUTE_IS_NEW] = "new",
    [ROUTE_IS_PULLING] = "pulling",
    [ROUTE_IS_EXPIRED] = "expired",
    [ROUTE_IS_NONE] = "none",
};

enum route_condition route_condition(uint32_t host_count, bool pulling, bool expired)
{
    if (host_count == 0)
        return ROUTE_IS_NONE;
    if (pulling)
        return ROUTE_IS_PULLING;
    return expired ? ROUTE_IS_EXPIRED : ROUTE_IS_NEW;
}

enum shm_status route_read(const struct routes *routes, uint32_t slot, uint64_t key, uint64_t now,
                           struct route *route)
{
    for (int round = 0; round < TABLE_RETRIES; round++) {
        struct table table;
        enum shm_status status = table_begin(routes, slot, key, &table);
        if (status != SHM_OK)
            return status;
        table_hosts(&table, route->hosts);
        if (!table_intact(&table))
            continue;
        uint64_t fetched = table_fetched(&table);
        route->modid = key_modid(key);
        route->cmdid = key_cmdid(key);
        route->version = ref_version(table.ref);
        route->age_ms = now > fetched ? now - fetched : 0;
        route->condition = route_condition(table.count, table.expires & EXPIRES_PULLING, now > table.expires);
        route->update_timeout_s = table.ttl_s;
        route->host_count = table.count;
        return SHM_OK;
    }
    return SHM_CORRUPT;
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
    uint64_t key;
    uint32_t slot;
};

static int by_key(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    return (a->key > b->key) - (a->key < b->key);
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
            entries[used++] = (struct entry){key_word(word), slot};
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
    struct host *hosts = malloc(HOSTS_MAX * sizeof(*hosts));
    int result = entries && hosts ? 0 : -1;
    for (uint32_t i = 0; result == 0 && i < count; i++) {
        struct route route = {.hosts = hosts};
        if (route_read(routes, entries[i].slot, entries[i].key, clock_tick(), &route) == SHM_OK)
            result = each(context, &route);
        else
            ++*damaged;
    }
    free(hosts);
    free(entries);
    return result;
}
