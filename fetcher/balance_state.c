/* SPDX-License-Identifier: MIT */
/* What follows from the health of a host: its state in the table, its deadline, the log, the report service. */
#include <inttypes.h>
#include <stdio.h>

#include "conf/number.h"
#include "fetcher/balance_internal.h"

bool balance_reserve(struct balance *balance, uint32_t count)
{
    return deadlines_reserve(&balance->deadlines, count) && unreported_reserve(&balance->unreported, count) &&
           record_set_reserve(&balance->to_eject, count) && record_set_reserve(&balance->limit_routes, count);
}

uint32_t balance_share(const struct balance *balance, const struct host_health *health)
{
    return health->override == OVERRIDE_DRAINED  ? SHARE_DRAINED
           : health->override == OVERRIDE_PINNED ? SHARE_FULL
                                                 : health_share(health, balance->config, balance->now);
}

void balance_publish_share(struct balance *balance, const struct route_ref *route, uint32_t number)
{
    struct route_key key;
    struct host_addr host;
    const struct host_health *health = &host_store_entry(balance->store, number)->health;
    if (!host_store_is(balance->store, number, &key, &host) || host_addr_is_none(host))
        return;
    uint32_t at = route_ref_find_host(route, host);
    if (at != HOST_NONE)
        writer_set_share(balance->writer, route, at, balance_share(balance, health));
}

uint64_t balance_memory_end(const struct balance *balance, const struct host_entry *entry)
{
    return entry->left_s ? UINT64_C(1000) * ((uint64_t)entry->left_s + balance->config->loadbalance.memory)
                         : DEADLINE_NONE;
}

void balance_place(struct balance *balance, uint32_t number)
{
    const struct host_entry *entry = host_store_entry(balance->store, number);
    const struct host_health *health = &entry->health;
    bool ejected = health->state == HOST_EJECTED;
    bool idle = !ejected && health->rsucc == 0 && health->rerr == 0;
    uint64_t changes = idle ? DEADLINE_NONE : health_deadline(health, balance->config);
    uint64_t grows = health_share_grows(health, balance->config, balance->now);
    uint64_t forgotten = balance_memory_end(balance, entry);
    uint64_t due = changes < grows ? changes : grows;
    deadlines_set(&balance->deadlines, number, due < forgotten ? due : forgotten,
                  ejected && entry->left_s == 0);
}

void balance_gauge_ejected(struct balance *balance)
{
    writer_gauge(balance->writer, COUNTER_overloaded, balance->deadlines.ejected);
}

void balance_mark_unreported(struct balance *balance, struct route_key key, enum urgency urgency)
{
    uint32_t route = host_store_find(balance->store, key, HOST_ADDR_NONE);
    if (route != HOST_STORE_NONE)
        unreported_add_route(&balance->unreported, route, urgency);
}

/* "10 failures in a row". */
static void text_of_reason(const struct host_health *health, char *out, size_t size)
{
    double value = health->value / 100.0, limit = health->limit / 100.0;
    switch (health->reason) {
    case REASON_ERR_RATE:
        snprintf(out, size, "%.2f %% failures > %.2f %%", value, limit);
        break;
    case REASON_ERR_STREAK:
        snprintf(out, size, "%" PRIu32 " failure%s in a row", health->value, number_plural(health->value));
        break;
    case REASON_WINDOW:
        snprintf(out, size, "%.2f %% failures >= %.2f %% in a window", value, limit);
        break;
    case REASON_GOOD_WINDOW:
        snprintf(out, size, "%.2f %% failures <= %.2f %% in a window", value, limit);
        break;
    case REASON_SUCC_RATE:
        snprintf(out, size, "%.2f %% successes > %.2f %%", value, limit);
        break;
    case REASON_SUCC_STREAK:
        snprintf(out, size, "%" PRIu32 " success%s in a row", health->value, health->value == 1 ? "" : "es");
        break;
    default:
        snprintf(out, size, "ejected for %" PRIu32 " s", health->limit);
    }
}

static void text_of_host(const struct balance *balance, uint32_t number, char *out, size_t size)
{
    struct route_key key;
    struct host_addr host;
    char text[INET_ADDRSTRLEN];
    host_store_is(balance->store, number, &key, &host);
    inet_ntop(AF_INET, &(struct in_addr){host.address}, text, sizeof(text));
    snprintf(out, size, "route %" PRIu32 "/%" PRIu32 ": %s:%u", key.modid, key.cmdid, text, ntohs(host.port));
}

void balance_log_state(struct balance *balance, uint32_t number)
{
    const struct host_health *health = &host_store_entry(balance->store, number)->health;
    char host[64], reason[64];
    text_of_host(balance, number, host, sizeof(host));
    text_of_reason(health, reason, sizeof(reason));
    if (health->state == HOST_EJECTED) {
        writer_count(balance->writer, COUNTER_ejections, 1);
        log_limited(&balance->ejected_limit, LOG_LEVEL_WARNING,
                    "%s ejected for %" PRIu64 " s (number %u in a row): %s%s", host,
                    (health->window - health->since) / 1000, health->level ? health->level : 1u, reason,
                    health->override == OVERRIDE_NONE ? "" : "; an operator's override comes before that");
    } else if (host_health_is_spared(health))
        log_limited(&balance->spared_limit, LOG_LEVEL_WARNING,
                    "%s spared, because max_ejected allows no more hosts of the route to be out: %s", host,
                    reason);
    else
        log_limited(&balance->recovered_limit, LOG_LEVEL_INFO, "%s %s: %s", host,
                    health->reason == REASON_TIMEOUT       ? "is back in rotation"
                    : health->reason == REASON_GOOD_WINDOW ? "is not spared any more"
                                                           : "recovered",
                    reason);
}

void balance_log_more(struct balance *balance)
{
    log_limit_flush(&balance->ejected_limit, LOG_LEVEL_WARNING,
                    "ejections: larshm list shows which hosts are out");
    log_limit_flush(&balance->spared_limit, LOG_LEVEL_WARNING,
                    "times a host was spared: larshm list shows which are");
    log_limit_flush(&balance->recovered_limit, LOG_LEVEL_INFO, "times a host recovered");
    log_limit_flush(&balance->none_left_limit, LOG_LEVEL_ERROR,
                    "times a route had no host in rotation: larshm list shows which have none");
}

void balance_log_if_none_left(struct balance *balance, const struct route_ref *route)
{
    if (route_ref_count(route) > 0 && route_ref_count_out(route) == route_ref_count(route))
        log_limited(&balance->none_left_limit, LOG_LEVEL_ERROR,
                    "route %" PRIu32 "/%" PRIu32 ": no host is in rotation: larshm list shows why",
                    route->key.modid, route->key.cmdid);
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
    if (entry->left_s > 0) { /* no program sees it */
        balance_place(balance, number);
        return;
    }
    bool ejects = change == HEALTH_CHANGED && entry->health.state == HOST_EJECTED;
    if (ejects || (change == HEALTH_CHANGED && host_health_is_spared(before)))
        record_set_add(&balance->limit_routes, host_store_find(balance->store, route->key, HOST_ADDR_NONE));
    if (ejects)
        record_set_add(&balance->to_eject, number);
    else if (change == HEALTH_CHANGED || health_is_back(&entry->health))
        balance_publish_share(balance, route, number);
    if (change == HEALTH_CHANGED && !ejects)
        balance_log_state(balance, number);
    if (change == HEALTH_CHANGED)
        balance_mark_unreported(balance, route->key, URGENCY_STATE);
    balance_place(balance, number);
    balance_gauge_ejected(balance);
}
