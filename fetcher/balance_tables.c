/* SPDX-License-Identifier: MIT */
/* Tables that are published: the states of their hosts, and what becomes of hosts that leave. */
#include <string.h>

#include "fetcher/balance_internal.h"
#include "shm/saturating.h"

const uint64_t *balance_states(struct balance *balance, struct route_key key, const struct host_addr *hosts,
                               uint32_t count)
{
    if (host_store_find(balance->store, key, HOST_ADDR_NONE) == HOST_STORE_NONE)
        return NULL;
    balance_limit_ejected(balance, key, hosts, count);
    memset(balance->states, 0, STATE_WORDS(count) * sizeof(uint64_t));
    for (uint32_t at = 0; at < count; at++) {
        uint32_t number = host_store_find(balance->store, key, hosts[at]);
        if (number == HOST_STORE_NONE)
            continue;
        const struct host_health *health = &host_store_entry(balance->store, number)->health;
        balance->states[at / STATES_IN_WORD] |= share_bits(at, balance_share(balance, health));
    }
    return balance->states;
}

/* Unless there is no room for records: then those of hosts that have left go first. */
static bool remembers(const struct balance *balance, const struct host_entry *left)
{
    return !balance->full && balance->config->loadbalance.memory > 0 &&
           health_is_worth_remembering(&left->health, balance->config, balance->now);
}

/* The health of a host that has left stays for a while, if it is worth it. An override stays for good. */
static void reset(struct balance *balance, uint32_t number)
{
    struct host_entry *left = host_store_entry(balance->store, number);
    writer_reset_runs(balance->writer, left->generation, left->cell);
    deadlines_set(&balance->deadlines, number, DEADLINE_NONE, false);
    unreported_forget(&balance->unreported, number);
    if (left->left_s == 0 && remembers(balance, left)) {
        left->left_s = (uint32_t)(balance->now / 1000) + 1;
        left->health.total_succ = left->health.total_err = 0;
        health_leave(&left->health, balance->config, balance->now);
        host_store_commit(balance->store, number);
        balance_place(balance, number);
        return;
    }
    left->left_s = 0;
    if (left->health.override == OVERRIDE_NONE) {
        host_store_remove(balance->store, number);
        return;
    }
    left->health.total_succ = left->health.total_err = 0;
    health_init(&left->health, balance->config, balance->now);
    host_store_commit(balance->store, number);
}

void balance_finish_absorbing(struct balance *balance, uint32_t route)
{
    struct host_entry *sum = host_store_entry(balance->store, route);
    struct route_key key;
    struct host_addr host;
    if (sum->absorbed == 0)
        return;
    host_store_is(balance->store, route, &key, &host);
    uint32_t number = host_store_find(balance->store, key, host_addr_from_word(sum->absorbed));
    if (number != HOST_STORE_NONE)
        reset(balance, number);
    sum->absorbed = 0;
    host_store_commit(balance->store, route);
}

/*
 * Two records change, and a fetcher may die in between. One commit enlarges the route's sums and names the host: the
 * name says that the host's own totals no longer count, see balance_start.c.
 */
static void absorb(struct balance *balance, uint32_t route, uint32_t number, struct host_addr host)
{
    const struct host_health *left = &host_store_entry(balance->store, number)->health;
    struct host_entry *sum = host_store_entry(balance->store, route);
    sum->health.total_succ = saturating_add(sum->health.total_succ, left->total_succ);
    sum->health.total_err = saturating_add(sum->health.total_err, left->total_err);
    sum->absorbed = host_addr_word(host);
    host_store_commit(balance->store, route);
    balance_finish_absorbing(balance, route);
}

void balance_forget(struct balance *balance, uint32_t number)
{
    struct route_key key;
    struct host_addr host;
    host_store_is(balance->store, number, &key, &host);
    absorb(balance, host_store_find(balance->store, key, HOST_ADDR_NONE), number, host);
}

static bool has_left(const struct balance *balance, uint32_t number)
{
    return host_store_entry(balance->store, number)->left_s > 0;
}

static void come_back(struct balance *balance, uint32_t number)
{
    host_store_entry(balance->store, number)->left_s = 0;
    host_store_commit(balance->store, number);
    balance_place(balance, number);
}

void balance_set_shares(struct balance *balance, const struct route_ref *route)
{
    uint32_t count = route_ref_hosts(route, balance->hosts);
    const uint64_t *states = balance_states(balance, route->key, balance->hosts, count);
    for (uint32_t at = 0; at < count; at++)
        writer_set_share(balance->writer, route, at,
                         states ? share_in(states[at / STATES_IN_WORD], at) : SHARE_FULL);
}

void balance_table_changed(struct balance *balance, const struct route_ref *route)
{
    uint32_t own = host_store_find(balance->store, route->key, HOST_ADDR_NONE);
    uint32_t next = own == HOST_STORE_NONE ? HOST_STORE_NONE : host_store_next(balance->store, own);
    if (own != HOST_STORE_NONE)
        balance_limit_route(balance, route); /* results that came while the table was being published */
    while (next != HOST_STORE_NONE) {
        uint32_t number = next;
        struct route_key key;
        struct host_addr host;
        next = host_store_next(balance->store, number);
        host_store_is(balance->store, number, &key, &host);
        bool is_here = route_ref_find_host(route, host) != HOST_NONE;
        if (is_here && has_left(balance, number))
            come_back(balance, number);
        if (!is_here && !has_left(balance, number))
            absorb(balance, own, number, host);
    }
    balance_set_shares(balance, route);
    balance_log_if_none_left(balance, route);
    balance_gauge_ejected(balance);
}

void balance_route_left(struct balance *balance, struct route_key key)
{
    const struct route_ref route = {.key = key, .slot = SLOT_NONE, .empty = SLOT_NONE};
    if (host_store_find(balance->store, key, HOST_ADDR_NONE) != HOST_STORE_NONE)
        balance_table_changed(balance, &route);
}

uint32_t balance_count_overrides(const struct balance *balance, struct route_key key)
{
    uint32_t count = 0, number = host_store_find(balance->store, key, HOST_ADDR_NONE);
    for (; number != HOST_STORE_NONE; number = host_store_next(balance->store, number))
        count += host_store_entry(balance->store, number)->health.override != OVERRIDE_NONE;
    return count;
}
