/* SPDX-License-Identifier: MIT */
/* How many hosts of a route may be out of rotation at a time: [loadbalance] max_ejected. */
#include <stdlib.h>

#include "fetcher/balance_internal.h"

/* The worst first. Among equals one that is out already stays out, so that failures alike change nothing. */
static int worst_first(const void *left, const void *right)
{
    const struct ejected_host *a = left, *b = right;
    if (a->badness != b->badness)
        return a->badness > b->badness ? -1 : 1;
    if (a->since != b->since)
        return a->since < b->since ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

/* Of `count` hosts that are not drained. A route's only host is never ejected. */
static uint32_t most_ejected(uint32_t count, const struct config *config)
{
    return count > 1 ? (uint32_t)((uint64_t)count * config->loadbalance.max_ejected / 100) : 0;
}

static void spare(struct balance *balance, const struct route_ref *route, uint32_t number)
{
    struct host_entry *entry = host_store_entry(balance->store, number);
    const struct host_health before = entry->health;
    health_spare(&entry->health, balance->config, balance->now);
    balance_settle(balance, route, number, HEALTH_CHANGED, &before);
    if (entry->left_s > 0) /* it comes back with the table that these hosts are for */
        balance_log_state(balance, number);
}

bool balance_limit_ejected(struct balance *balance, struct route_key key, const struct host_addr *hosts,
                           uint32_t count)
{
    uint32_t not_drained = count, ejected = 0;
    bool spared = false;
    if (balance->config->loadbalance.rules == RULES_LARS)
        return false;
    for (uint32_t at = 0; at < count; at++) {
        uint32_t number = host_store_find(balance->store, key, hosts[at]);
        if (number == HOST_STORE_NONE)
            continue;
        const struct host_health *health = &host_store_entry(balance->store, number)->health;
        uint32_t share = balance_share(balance, health);
        not_drained -= share == SHARE_DRAINED;
        spared |= share != SHARE_DRAINED && host_health_is_spared(health);
        if (share == SHARE_EJECTED)
            balance->ejected[ejected++] = (struct ejected_host){health->since, number, health->badness};
    }
    uint32_t most = most_ejected(not_drained, balance->config);
    if (ejected <= most)
        return spared;
    const struct route_ref route = writer_find(balance->writer, key);
    qsort(balance->ejected, ejected, sizeof(*balance->ejected), worst_first);
    for (uint32_t i = most; i < ejected; i++)
        spare(balance, &route, balance->ejected[i].number);
    return true;
}

void balance_limit_route(struct balance *balance, const struct route_ref *route)
{
    uint32_t count = route_ref_hosts(route, balance->hosts);
    writer_set_spared(balance->writer, route,
                      balance_limit_ejected(balance, route->key, balance->hosts, count));
}

/*
 * All that failed since the last time is judged together: first the limit of each route, which may put hosts back in
 * rotation, then those that remain ejected go out. The other way round, a program could find none in rotation.
 */
void balance_eject(struct balance *balance)
{
    struct route_key key;
    struct host_addr host;
    uint32_t number;
    while (record_set_take(&balance->limit_routes, &number))
        if (host_store_is(balance->store, number, &key, &host)) {
            const struct route_ref route = writer_find(balance->writer, key);
            balance_limit_route(balance, &route);
        }
    while (record_set_take(&balance->to_eject, &number))
        if (host_store_is(balance->store, number, &key, &host) &&
            host_store_entry(balance->store, number)->health.state == HOST_EJECTED) {
            const struct route_ref route = writer_find(balance->writer, key);
            balance_publish_share(balance, &route, number);
            balance_log_state(balance, number);
            balance_log_if_none_left(balance, &route);
        }
}
