/* SPDX-License-Identifier: MIT */
/* Results that clients report: which host of which route they count for, and whether they eject it. */
#include "fetcher/balance_internal.h"
#include "shm/saturating.h"

enum {
    RESERVED_SHARE = 8 /* of all records: for results that come before clients learn that there is no room */
};

/* A caller that gets a record's number needs room for that number: reserve room for two first. */
static uint32_t add_record(struct balance *balance, struct route_key key, struct host_addr host)
{
    uint32_t used = host_store_used(balance->store) + 2;
    if (!balance_reserve(balance, used))
        return HOST_STORE_NONE;
    return host_store_add(balance->store, key, host);
}

uint32_t balance_new_record(struct balance *balance, struct route_key key, struct host_addr host)
{
    uint32_t number = add_record(balance, key, host);
    if (number == HOST_STORE_NONE)
        return HOST_STORE_NONE;
    health_init(&host_store_entry(balance->store, number)->health, balance->config, balance->now);
    return number;
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

/* Adds the results to the sums of this record, and nothing else of it. */
static void add_to_sums(struct balance *balance, uint32_t number, const struct call_report *report)
{
    struct host_entry *entry = host_store_entry(balance->store, number);
    entry->health.total_succ = saturating_add(entry->health.total_succ, report->batch.succ);
    entry->health.total_err = saturating_add(entry->health.total_err, report->batch.err);
    record_progress(balance, entry, report);
    host_store_commit(balance->store, number);
}

/*
 * Results of hosts that the route does not have, or no longer has: they count in a sum and nowhere else. The sum is
 * the route's, or the host's own if its record is still there because of an override.
 */
static void count_only(struct balance *balance, const struct route_ref *route,
                       const struct call_report *report)
{
    uint32_t number = host_store_find(balance->store, report->key, report->host);
    if (number == HOST_STORE_NONE)
        number = record_for_route(balance, route);
    writer_count(balance->writer, COUNTER_reports_unknown, report->batch.succ + report->batch.err);
    /* If it comes back, it has no streak. */
    writer_reset_runs(balance->writer, report->control, report->cell);
    if (number != HOST_STORE_NONE)
        add_to_sums(balance, number, report);
}

static void forget_hosts_that_left(struct balance *balance)
{
    struct route_key key;
    struct host_addr host;
    for (uint32_t number = 0; number < host_store_used(balance->store); number++)
        if (host_store_is(balance->store, number, &key, &host) &&
            host_store_entry(balance->store, number)->left_s > 0)
            balance_forget(balance, number);
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
    if (full)
        forget_hosts_that_left(balance);
    balance->named = 0;
    writer_set_hosts_full(balance->writer, full);
}

/* Taken before its client knew that there is no room: not lost, but in the sum of its route. */
static void count_with_route(struct balance *balance, const struct route_ref *route,
                             const struct call_report *report)
{
    uint32_t number = record_for_route(balance, route);
    if (number == HOST_STORE_NONE)
        writer_count(balance->writer, COUNTER_reports_refused, report->batch.succ + report->batch.err);
    else
        add_to_sums(balance, number, report);
}

void balance_name_new_host(const struct balance *balance, struct route_key key, struct host_addr host)
{
    if (balance->full)
        writer_name_host(balance->writer, key, host);
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
        number = balance_new_record(balance, report->key, report->host);
        batch = first_batch(&report->batch);
        if (number != HOST_STORE_NONE && report->control != writer_control(balance->writer))
            balance_name_new_host(balance, report->key, report->host);
    }
    if (number == HOST_STORE_NONE) {
        set_full(balance, true);
        count_with_route(balance, &route, report);
        return true;
    }
    struct host_entry *entry = host_store_entry(balance->store, number);
    record_progress(balance, entry, report);
    if (entry->health.state == HOST_IN_ROTATION && entry->health.rsucc == 0 && entry->health.rerr == 0)
        health_begin_window(&entry->health, balance->config, balance->now);
    const struct host_health before = entry->health;
    enum health_change change = health_apply(&entry->health, &batch, balance->config, balance->now);
    /* The batch is not reported yet either. */
    struct host_health unreported = before;
    unreported.rsucc = saturating_add32(unreported.rsucc, batch.succ);
    unreported.rerr = saturating_add32(unreported.rerr, batch.err);
    balance_settle(balance, &route, number, change, &unreported);
    balance_mark_unreported(balance, report->key, batch.err > 0 ? URGENCY_FAILURE : URGENCY_NONE);
    return true;
}

void balance_collect(struct balance *balance, uint32_t budget)
{
    writer_collect_calls(balance->writer, budget, host_store_used(balance->store), balance->now);
}

static bool is_short_of_records(const struct balance *balance)
{
    uint64_t all = balance->config->shm.max_bytes / sizeof(struct host_record);
    return host_store_room(balance->store) < all / RESERVED_SHARE;
}

void balance_check_room(struct balance *balance)
{
    if (!balance->full && is_short_of_records(balance))
        forget_hosts_that_left(balance);
    set_full(balance, is_short_of_records(balance));
    name_hosts(balance);
}
