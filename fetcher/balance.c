/* SPDX-License-Identifier: MIT */
#include "fetcher/balance.h"

#include "fetcher/balance_internal.h"

enum {
    REPORTS_PER_POLL = 16384
};

static void time_passed(struct balance *balance)
{
    uint32_t number;
    uint64_t due;
    while (deadlines_first(&balance->deadlines, &number, &due) && due <= balance->now) {
        struct host_entry *entry = host_store_entry(balance->store, number);
        if (balance->now >= balance_memory_end(balance, entry)) {
            balance_forget(balance, number);
            continue;
        }
        struct host_health *health = &entry->health;
        const struct host_health before = *health;
        enum health_change change = health_time(health, balance->config, balance->now);
        struct route_key key;
        struct host_addr host;
        host_store_is(balance->store, number, &key, &host);
        const struct route_ref route = writer_find(balance->writer, key);
        balance_settle(balance, &route, number, change, &before);
    }
}

void balance_apply_config(struct balance *balance)
{
    struct route_key key;
    struct host_addr host;
    struct route_ref route;
    for (uint32_t number = 0; number < host_store_used(balance->store); number++)
        if (host_store_is(balance->store, number, &key, &host) && !host_addr_is_none(host)) {
            struct host_health *health = &host_store_entry(balance->store, number)->health;
            health_set_end(health, balance->config);
            host_store_commit(balance->store, number);
            balance_place(balance, number);
            route = writer_find(balance->writer, key);
            if (health->state == HOST_IN_ROTATION)
                balance_publish_share(balance, &route, number);
        }
    for (uint32_t slot = 0; writer_next_route(balance->writer, &slot, &route);)
        if (route_ref_any_limited(&route) || route_ref_is_spared(&route))
            balance_limit_route(balance, &route);
}

enum balance_answer balance_override(struct balance *balance, struct route_key key, struct host_addr host,
                                     enum host_override override)
{
    uint32_t number = host_store_find(balance->store, key, host);
    bool has_record = number != HOST_STORE_NONE;
    if (!has_record && route_key_is_none(key))
        return BALANCE_NO_ROUTE;
    const struct route_ref route = writer_find(balance->writer, key);
    if (!has_record && !route_ref_is_here(&route))
        return BALANCE_NO_ROUTE;
    if (!has_record && route_ref_find_host(&route, host) == HOST_NONE)
        return BALANCE_NO_HOST;
    if (!has_record)
        number = balance_new_record(balance, key, host);
    if (number == HOST_STORE_NONE)
        return BALANCE_FULL;
    if (!has_record)
        balance_name_new_host(balance, key, host);
    host_store_entry(balance->store, number)->health.override = (uint8_t) override;
    host_store_commit(balance->store, number);
    balance_limit_route(balance, &route);
    balance_publish_share(balance, &route, number);
    if (override == OVERRIDE_DRAINED)
        balance_log_if_none_left(balance, &route);
    if (override == OVERRIDE_NONE) /* only the override kept the record of a host that has left */
        balance_table_changed(balance, &route);
    writer_count(balance->writer, COUNTER_orders, 1);
    return BALANCE_DONE;
}

void balance_poll(struct balance *balance, uint64_t now)
{
    balance->now = now;
    balance_collect(balance, REPORTS_PER_POLL);
    balance_check_room(balance);
    time_passed(balance);
    balance_eject(balance);
    balance_log_more(balance);
}

struct host_store *balance_store(const struct balance *balance)
{
    return balance->store;
}

void balance_begin_round(struct balance *balance)
{
    unreported_begin_round(&balance->unreported);
}

bool balance_next_results(struct balance *balance, bool urgent, struct route_key *key,
                          struct host_result *out, uint32_t *count)
{
    uint32_t route;
    struct host_addr host;
    do
        if (urgent ? !unreported_take_urgent(&balance->unreported, &route)
                   : !unreported_take_route(&balance->unreported, &route))
            return false;
    while (!host_store_is(balance->store, route, key, &host));
    const struct route_ref found = writer_find(balance->writer, *key);
    *count = route_ref_hosts(&found, balance->hosts);
    for (uint32_t at = 0; at < *count; at++) {
        out[at] = (struct host_result){.host = balance->hosts[at]};
        uint32_t number = host_store_find(balance->store, *key, balance->hosts[at]);
        if (number == HOST_STORE_NONE)
            continue;
        const struct host_health *health = &host_store_entry(balance->store, number)->health;
        unreported_take(&balance->unreported, number, health, &out[at].succ, &out[at].err);
        out[at].ejected = health->state == HOST_EJECTED;
    }
    return true;
}

void balance_report_all(struct balance *balance)
{
    struct route_key key;
    struct host_addr host;
    for (uint32_t number = 0; number < host_store_used(balance->store); number++)
        if (host_store_is(balance->store, number, &key, &host) && host_addr_is_none(host))
            unreported_add_route(&balance->unreported, number, URGENCY_NONE);
}
