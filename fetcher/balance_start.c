/* SPDX-License-Identifier: MIT */
/* Adopts the previous fetcher's records, states, and how far results had been read. */
#include <stdlib.h>

#include "fetcher/balance_internal.h"
#include "fetcher/event_log.h"
#include "fetcher/health.h"
#include "shm/clock.h"
#include "shm/table.h"

enum {
    RECORDS_PER_MAINTENANCE = 4096 /* checked for routes that are gone */
};

/* Routes without a record of their own have none of a host: of these the records have been lost. */
static void set_states_without_records(struct balance *balance, const struct route_ref *route)
{
    if (host_store_find(balance->store, route->key, HOST_ADDR_NONE) != HOST_STORE_NONE)
        return;
    writer_set_spared(balance->writer, route, false);
    if (route_ref_any_limited(route))
        balance_set_shares(balance, route);
}

/* A route that is gone has no hosts any more: its own record is the last. */
static void remove_if_gone(struct balance *balance, uint32_t number)
{
    struct route_key key;
    struct host_addr host;
    if (!host_store_is(balance->store, number, &key, &host) || !host_addr_is_none(host) ||
        host_store_next(balance->store, number) != HOST_STORE_NONE)
        return;
    const struct route_ref route = writer_find(balance->writer, key);
    if (!route_ref_is_here(&route))
        host_store_remove(balance->store, number);
}

/* Goes on where the previous fetcher stopped; routes that are gone are forgotten. */
static void resume(struct balance *balance)
{
    struct route_key key;
    struct host_addr host;
    struct route_ref route;
    for (uint32_t number = 0; number < host_store_used(balance->store); number++) {
        if (!host_store_is(balance->store, number, &key, &host))
            continue;
        struct host_entry *entry = host_store_entry(balance->store, number);
        writer_resume_calls(balance->writer, entry->generation, key, entry->cell, entry->counts,
                            entry->extra);
        if (host_addr_is_none(host))
            continue;
        if (entry->health.since == 0) /* it died between adding the record and filling it in */
            health_init(&entry->health, balance->config, balance->now);
        const struct host_health before = entry->health;
        /* By the clock of another boot, or of another time namespace: it would not end. */
        if (entry->health.since > balance->now)
            entry->health.since = balance->now;
        if (entry->health.window > balance->now)
            entry->health.window = balance->now;
        if (entry->left_s > balance->now / 1000 + 1)
            entry->left_s = (uint32_t)(balance->now / 1000) + 1;
        health_set_end(&entry->health, balance->config);
        if (entry->health.since != before.since || entry->health.window != before.window)
            host_store_commit(balance->store, number);
        balance_place(balance, number);
    }
    for (uint32_t number = 0; number < host_store_used(balance->store); number++)
        if (host_store_is(balance->store, number, &key, &host) && host_addr_is_none(host)) {
            balance_finish_absorbing(balance, number);
            route = writer_find(balance->writer, key);
            balance_table_changed(balance, &route);
            remove_if_gone(balance, number);
        }
    for (uint32_t slot = 0; writer_next_route(balance->writer, &slot, &route);)
        set_states_without_records(balance, &route);
    balance_gauge_ejected(balance);
}

struct balance *balance_new(struct writer *writer, const char *instance, const struct config *config,
                            struct event *failure)
{
    struct balance *balance = calloc(1, sizeof(*balance));
    if (!balance) {
        *failure = (struct event){.kind = EVENT_NO_MEMORY};
        return NULL;
    }
    balance->writer = writer;
    balance->config = config;
    balance->now = clock_tick();
    balance->ejected_limit.burst = balance->spared_limit.burst = balance->recovered_limit.burst =
        balance->none_left_limit.burst = LOG_BURST;
    if (host_store_open(&balance->store, instance, config->shm.max_bytes, failure) != SHM_OK) {
        balance_delete(balance);
        return NULL;
    }
    if (!balance_reserve(balance, host_store_used(balance->store))) {
        *failure = (struct event){.kind = EVENT_NO_MEMORY};
        balance_delete(balance);
        return NULL;
    }
    resume(balance);
    writer_set_judge(writer, balance_judge, balance);
    /* No other process knows the previous fetcher's control object: if this one dies, its contents are lost. */
    balance_collect(balance, UINT32_MAX);
    balance_eject(balance);
    return balance;
}

void balance_maintain(struct balance *balance)
{
    struct event event;
    uint32_t used = host_store_used(balance->store);
    for (uint32_t checked = 0; checked < used && checked < RECORDS_PER_MAINTENANCE; checked++) {
        balance->checked = balance->checked + 1 < used ? balance->checked + 1 : 0;
        remove_if_gone(balance, balance->checked);
    }
    if (host_store_maintain(balance->store, &event))
        event_log(&event);
}

void balance_delete(struct balance *balance)
{
    if (!balance)
        return;
    host_store_close(balance->store);
    deadlines_free(&balance->deadlines);
    unreported_free(&balance->unreported);
    record_set_free(&balance->to_eject);
    record_set_free(&balance->limit_routes);
    free(balance);
}
