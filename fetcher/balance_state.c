/* SPDX-License-Identifier: MIT */
/* What follows from the state of a host: its masks, its deadline, the log, the report service. */
#include <inttypes.h>

#include "fetcher/balance_internal.h"

bool balance_reserve(struct balance *balance, uint32_t count)
{
    return deadlines_reserve(&balance->deadlines, count) && unreported_reserve(&balance->unreported, count) &&
           record_set_reserve(&balance->to_eject, count) && record_set_reserve(&balance->limit_routes, count);
}

bool balance_out_of_rotation(const struct host_health *health)
{
    return health->override == OVERRIDE_DRAINED ||
           (health->override == OVERRIDE_NONE && health->state == HOST_EJECTED);
}

void balance_publish_rotation(struct balance *balance, const struct route_ref *route, uint32_t number)
{
    struct route_key key;
    struct host_addr host;
    const struct host_health *health = &host_store_entry(balance->store, number)->health;
    if (!host_store_is(balance->store, number, &key, &host) || host_addr_is_none(host))
        return;
    uint32_t at = route_ref_find_host(route, host);
    if (at != HOST_NONE)
        writer_set_rotation(balance->writer, route, at, balance_out_of_rotation(health),
                            health->override == OVERRIDE_DRAINED);
}

void balance_place(struct balance *balance, uint32_t number)
{
    const struct host_health *health = &host_store_entry(balance->store, number)->health;
    bool ejected = health->state == HOST_EJECTED;
    bool idle = !ejected && health->rsucc == 0 && health->rerr == 0;
    deadlines_set(&balance->deadlines, number,
                  idle ? DEADLINE_NONE : health_deadline(health, balance->config), ejected);
}

void balance_gauge_ejected(struct balance *balance)
{
    writer_gauge(balance->writer, COUNTER_overloaded, balance->deadlines.ejected);
}

void balance_mark_unreported(struct balance *balance, struct route_key key)
{
    uint32_t route = host_store_find(balance->store, key, HOST_ADDR_NONE);
    if (route != HOST_STORE_NONE)
        unreported_add_route(&balance->unreported, route);
}

void balance_log_state(struct balance *balance, uint32_t number)
{
    struct route_key key;
    struct host_addr host;
    const struct host_health *health = &host_store_entry(balance->store, number)->health;
    host_store_is(balance->store, number, &key, &host);
    char text[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &(struct in_addr){host.address}, text, sizeof(text));
    bool ejected = health->state == HOST_EJECTED, spared = host_health_is_spared(health);
    if (ejected)
        writer_count(balance->writer, COUNTER_ejections, 1);
    log_limited(ejected  ? &balance->ejected_limit
                : spared ? &balance->spared_limit
                         : &balance->recovered_limit,
                LOG_LEVEL_INFO, "route %" PRIu32 "/%" PRIu32 ": %s:%u %s", key.modid, key.cmdid, text,
                ntohs(host.port),
                ejected  ? "ejected"
                : spared ? "spared: it fails, and max_ejected others are out"
                         : "recovered");
}

void balance_settle(struct balance *balance, const struct route_ref *route, uint32_t number,
                    enum health_change change, const struct host_health *before)
{
    struct host_entry *entry = host_store_entry(balance->store, number);
    if (change != HEALTH_SAME) {
        unreported_keep(&balance->unreported, number, before->rsucc, before->rerr);
        writer_reset_runs(balance->writer, entry->generation, entry->cell);
    }
    host_store_commit(balance->store, number);
    if (change == HEALTH_CHANGED && entry->health.state == HOST_EJECTED) {
        record_set_add(&balance->to_eject, number);
        record_set_add(&balance->limit_routes, host_store_find(balance->store, route->key, HOST_ADDR_NONE));
    } else if (change == HEALTH_CHANGED) {
        balance_publish_rotation(balance, route, number);
        balance_log_state(balance, number);
    }
    if (change == HEALTH_CHANGED)
        balance_mark_unreported(balance, route->key);
    balance_place(balance, number);
    balance_gauge_ejected(balance);
}
