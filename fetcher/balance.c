/* SPDX-License-Identifier: MIT */
#include "fetcher/balance_internal.h"

#include <inttypes.h>
#include <string.h>

#include "fetcher/health.h"
#include "shm/saturating.h"
#include "shm/table.h"
#include "shm/writer/call_stats.h"

enum {
    REPORTS_PER_POLL = 16384,
    RESERVED_SHARE = 8 /* of all records: for results that come before clients learn that there is no room */
};

static bool out_of_rotation(const struct host_health *health)
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
        writer_set_rotation(balance->writer, route, at, out_of_rotation(health),
                            health->override == OVERRIDE_DRAINED);
}

void balance_gauge_ejected(struct balance *balance)
{
    writer_gauge(balance->writer, COUNTER_overloaded, deadlines_count(&balance->deadlines, HOST_EJECTED));
}

/* The route has results to report to the report service. */
static void mark_unreported(struct balance *balance, struct route_key key)
{
    uint32_t route = host_store_find(balance->store, key, HOST_ADDR_NONE);
    if (route != HOST_STORE_NONE)
        unreported_add_route(&balance->unreported, route);
}

static void log_state_change(struct balance *balance, uint32_t number)
{
    struct route_key key;
    struct host_addr host;
    const struct host_health *health = &host_store_entry(balance->store, number)->health;
    host_store_is(balance->store, number, &key, &host);
    char text[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &(struct in_addr){host.address}, text, sizeof(text));
    bool ejected = health->state == HOST_EJECTED;
    if (ejected)
        writer_count(balance->writer, COUNTER_ejections, 1);
    log_limited(ejected ? &balance->ejected_limit : &balance->recovered_limit, LOG_LEVEL_INFO,
                "route %" PRIu32 "/%" PRIu32 ": %s:%u %s", key.modid, key.cmdid, text, ntohs(host.port),
                ejected ? "ejected" : "recovered");
}

/*
 * After health_apply() or health_time(). `before`: the counts that a change has reset; they may not have been reported
 * to the report service yet.
 */
static void settle(struct balance *balance, const struct route_ref *route, uint32_t number,
                   enum health_change change, const struct host_health *before)
{
    struct host_entry *entry = host_store_entry(balance->store, number);
    if (change != HEALTH_SAME) {
        unreported_keep(&balance->unreported, number, before->rsucc, before->rerr);
        writer_reset_runs(balance->writer, entry->generation, entry->cell);
    }
    host_store_commit(balance->store, number);
    if (change == HEALTH_CHANGED) {
        balance_publish_rotation(balance, route, number);
        log_state_change(balance, number);
        mark_unreported(balance, route->key);
    }
    deadlines_place(&balance->deadlines, number, &entry->health);
    balance_gauge_ejected(balance);
}

/* ---- results ---- */

/* A caller that gets a record's number needs room for that number: reserve room for two first. */
static uint32_t add_record(struct balance *balance, struct route_key key, struct host_addr host)
{
    uint32_t used = host_store_used(balance->store) + 2;
    if (!deadlines_reserve(&balance->deadlines, used) || !unreported_reserve(&balance->unreported, used))
        return HOST_STORE_NONE;
    return host_store_add(balance->store, key, host);
}

/* Any client can make the fetcher remember routes that do not exist. They get no record: it would stay. */
static uint32_t record_for_route(struct balance *balance, const struct route_ref *route)
{
    uint32_t number = host_store_find(balance->store, route->key, HOST_ADDR_NONE);
    if (number == HOST_STORE_NONE && route_ref_count(route) > 0)
        number = add_record(balance, route->key, HOST_ADDR_NONE);
    return number;
}

/* How far the host's cell has been read, for the next fetcher. */
static void record_progress(const struct balance *balance, struct host_entry *entry,
                            const struct call_report *report)
{
    if (report->control != writer_control(balance->writer))
        return;
    entry->generation = report->control;
    entry->cell = report->cell;
    entry->counts = report->counts;
    entry->extra = report->extra;
}

/*
 * Results of hosts that the route does not have, or no longer has: they count in a sum and nowhere else. The sum is the
 * route's, or the host's own if its record is still there because of an override.
 */
static void count_only(struct balance *balance, const struct route_ref *route,
                       const struct call_report *report)
{
    uint32_t number = host_store_find(balance->store, report->key, report->host);
    if (number == HOST_STORE_NONE)
        number = record_for_route(balance, route);
    writer_count(balance->writer, COUNTER_reports_unknown, report->batch.succ + report->batch.err);
    writer_reset_runs(balance->writer, report->control,
                      report->cell); /* if it comes back, it has no streak */
    if (number == HOST_STORE_NONE)
        return;
    struct host_entry *entry = host_store_entry(balance->store, number);
    entry->health.total_succ = saturating_add(entry->health.total_succ, report->batch.succ);
    entry->health.total_err = saturating_add(entry->health.total_err, report->batch.err);
    record_progress(balance, entry, report);
    host_store_commit(balance->store, number);
}

/* While there is no room for others, clients report only the hosts that are named in their control object. */
static void name_new_host(const struct balance *balance, struct route_key key, struct host_addr host)
{
    if (balance->full)
        writer_name_host(balance->writer, key, host);
}

static uint32_t new_record(struct balance *balance, struct route_key key, struct host_addr host)
{
    uint32_t number = add_record(balance, key, host);
    if (number == HOST_STORE_NONE)
        return HOST_STORE_NONE;
    health_init(&host_store_entry(balance->store, number)->health, balance->config, balance->now);
    return number;
}

static void set_full(struct balance *balance, bool full)
{
    if (full)
        log_limited(
            &balance->full_limit, LOG_LEVEL_WARNING,
            "no room for records of more hosts: their results are refused; raise [shm] max_bytes, or free "
            "memory");
    if (full == balance->full)
        return;
    balance->full = full;
    balance->named = 0;
    writer_set_hosts_full(balance->writer, full);
}

/* Taken before its client knew that there is no room: not lost, but in the sum of its route. */
static void count_with_route(struct balance *balance, const struct route_ref *route,
                             const struct call_report *report)
{
    uint32_t number = record_for_route(balance, route);
    if (number == HOST_STORE_NONE) {
        writer_count(balance->writer, COUNTER_reports_refused, report->batch.succ + report->batch.err);
        return;
    }
    struct host_entry *entry = host_store_entry(balance->store, number);
    entry->health.total_succ = saturating_add(entry->health.total_succ, report->batch.succ);
    entry->health.total_err = saturating_add(entry->health.total_err, report->batch.err);
    record_progress(balance, entry, report);
    host_store_commit(balance->store, number);
}

/* Clients go on to report hosts that have a record; in each control object these are named once. */
static void name_hosts(struct balance *balance)
{
    struct route_key key;
    struct host_addr host;
    if (!balance->full || balance->named == writer_control(balance->writer))
        return;
    balance->named = writer_control(balance->writer);
    for (uint32_t number = 0; number < host_store_used(balance->store); number++)
        if (host_store_is(balance->store, number, &key, &host) && !host_addr_is_none(host))
            writer_name_host(balance->writer, key, host);
}

static void check_room(struct balance *balance)
{
    uint32_t room = host_store_room(balance->store),
             all = (uint32_t)(balance->config->shm.max_bytes / sizeof(struct host_record));
    set_full(balance, room < all / RESERVED_SHARE);
}

static uint64_t smaller(uint64_t one, uint64_t other)
{
    return one < other ? one : other;
}

/* The first batch of a host: runs that began before it are not the host's own. */
static struct call_batch first_batch(const struct call_batch *batch)
{
    struct call_batch own = *batch;
    own.err_run = (uint32_t)smaller(batch->err_run, saturating_add(batch->err, batch->extra));
    own.succ_run = (uint32_t)smaller(batch->succ_run, batch->succ);
    return own;
}

bool balance_judge(void *context, const struct call_report *report)
{
    struct balance *balance = context;
    const struct route_ref route = writer_find(balance->writer, report->key);
    writer_count(balance->writer, COUNTER_reports, report->batch.succ + report->batch.err);
    if (!route_ref_is_here(&route)) {
        writer_count(balance->writer, COUNTER_reports_unknown, report->batch.succ + report->batch.err);
        return false;
    }
    if (route_ref_find_host(&route, report->host) == HOST_NONE) {
        count_only(balance, &route, report);
        return false;
    }
    struct call_batch batch = report->batch;
    uint32_t number = host_store_find(balance->store, report->key, report->host);
    if (number == HOST_STORE_NONE) {
        number = new_record(balance, report->key, report->host);
        batch = first_batch(&report->batch);
        if (number != HOST_STORE_NONE && report->control != writer_control(balance->writer))
            name_new_host(balance, report->key, report->host);
    }
    if (number == HOST_STORE_NONE) {
        set_full(balance, true);
        count_with_route(balance, &route, report);
        return true;
    }
    struct host_entry *entry = host_store_entry(balance->store, number);
    record_progress(balance, entry, report);
    if (!deadlines_has(&balance->deadlines, number) && entry->health.state == HOST_IN_ROTATION)
        health_begin_window(&entry->health, balance->config, balance->now);
    const struct host_health before = entry->health;
    enum health_change change = health_apply(&entry->health, &batch, balance->config, balance->now);
    /* The batch is not reported yet either. */
    struct host_health unreported = before;
    unreported.rsucc = saturating_add32(unreported.rsucc, batch.succ);
    unreported.rerr = saturating_add32(unreported.rerr, batch.err);
    settle(balance, &route, number, change, &unreported);
    mark_unreported(balance, report->key);
    return true;
}

void balance_collect(struct balance *balance, uint32_t budget)
{
    writer_collect_calls(balance->writer, budget, host_store_used(balance->store), balance->now);
}

/* ---- time ---- */

static void time_passed(struct balance *balance)
{
    uint32_t number;
    for (enum host_state state = HOST_IN_ROTATION; state <= HOST_EJECTED; state++)
        while (deadlines_first(&balance->deadlines, state, &number)) {
            struct host_health *health = &host_store_entry(balance->store, number)->health;
            const struct host_health before = *health;
            enum health_change change = health_time(health, balance->config, balance->now);
            if (change == HEALTH_SAME)
                break;
            struct route_key key;
            struct host_addr host;
            host_store_is(balance->store, number, &key, &host);
            const struct route_ref route = writer_find(balance->writer, key);
            settle(balance, &route, number, change, &before);
        }
}

/* ---- operators ---- */

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
        number = new_record(balance, key, host);
    if (number == HOST_STORE_NONE)
        return BALANCE_FULL;
    if (!has_record)
        name_new_host(balance, key, host);
    host_store_entry(balance->store, number)->health.override = (uint8_t) override;
    host_store_commit(balance->store, number);
    balance_publish_rotation(balance, &route, number);
    if (override == OVERRIDE_NONE) /* only the override kept the record of a host that has left */
        balance_table_changed(balance, &route);
    writer_count(balance->writer, COUNTER_orders, 1);
    return BALANCE_DONE;
}

void balance_poll(struct balance *balance, uint64_t now)
{
    balance->now = now;
    balance_collect(balance, REPORTS_PER_POLL);
    check_room(balance);
    name_hosts(balance);
    time_passed(balance);
}

/* ---- tables ---- */

const uint64_t *balance_masks(struct balance *balance, struct route_key key, const struct host_addr *hosts,
                              uint32_t count)
{
    if (host_store_find(balance->store, key, HOST_ADDR_NONE) == HOST_STORE_NONE)
        return NULL;
    memset(balance->masks, 0, MASK_WORDS(count) * sizeof(uint64_t));
    for (uint32_t at = 0; at < count; at++) {
        uint32_t number = host_store_find(balance->store, key, hosts[at]);
        if (number == HOST_STORE_NONE)
            continue;
        const struct host_health *health = &host_store_entry(balance->store, number)->health;
        if (out_of_rotation(health))
            balance->masks[at / 32] |= ejected_bit(at);
        if (health->override == OVERRIDE_DRAINED)
            balance->masks[at / 32] |= drained_bit(at);
    }
    return balance->masks;
}

/* Drops the health of a host that has left. An override stays. */
static void reset(struct balance *balance, uint32_t number)
{
    struct host_entry *left = host_store_entry(balance->store, number);
    writer_reset_runs(balance->writer, left->generation, left->cell);
    deadlines_remove(&balance->deadlines, number);
    unreported_forget(&balance->unreported, number);
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
 * name says that the host's own totals no longer count (see resume()).
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

void balance_table_changed(struct balance *balance, const struct route_ref *route)
{
    uint32_t own = host_store_find(balance->store, route->key, HOST_ADDR_NONE);
    uint32_t next = own == HOST_STORE_NONE ? HOST_STORE_NONE : host_store_next(balance->store, own);
    while (next != HOST_STORE_NONE) {
        uint32_t number = next;
        struct route_key key;
        struct host_addr host;
        next = host_store_next(balance->store, number);
        host_store_is(balance->store, number, &key, &host);
        if (route_ref_find_host(route, host) == HOST_NONE)
            absorb(balance, own, number, host);
        else /* results that came while the table was being published may have changed it */
            balance_publish_rotation(balance, route, number);
    }
    balance_gauge_ejected(balance);
}

/* ---- for the report service ---- */

bool balance_next_results(struct balance *balance, struct route_key *key, struct host_result *out,
                          uint32_t *count)
{
    uint32_t route;
    struct host_addr host;
    do
        if (!unreported_take_route(&balance->unreported, &route))
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
            unreported_add_route(&balance->unreported, number);
}
