/* SPDX-License-Identifier: MIT */
#include "fetcher/balance_internal.h"

#include <inttypes.h>
#include <string.h>

#include "fetcher/health.h"
#include "shm/table.h"
#include "shm/writer/call_stats.h"

enum {
    REPORTS_PER_POLL = 16384
};

static struct host host_of(uint64_t word)
{
    return (struct host){.address = (uint32_t)(word >> 32), .port = (uint16_t)word};
}

static bool is_out(const struct standing *standing)
{
    return standing->hold == HOLD_DRAINED ||
           (standing->hold == HOLD_NONE && standing->state == STANDING_OVERLOADED);
}

void balance_publish_verdict(struct balance *balance, uint32_t number)
{
    uint64_t key, host;
    const struct standing *standing = &ledger_entry(balance->ledger, number)->standing;
    if (!ledger_is(balance->ledger, number, &key, &host) || host == 0)
        return;
    uint32_t at = writer_find_host(balance->writer, key, host_of(host));
    if (at != HOST_NONE)
        writer_set_verdict(balance->writer, key, at, is_out(standing), standing->hold == HOLD_DRAINED);
}

void balance_gauge_overloaded(struct balance *balance)
{
    writer_gauge(balance->writer, COUNTER_overloaded,
                 deadlines_count(&balance->deadlines, STANDING_OVERLOADED));
}

/* A route with news for the report service. */
static void mark_news(struct balance *balance, uint64_t key)
{
    uint32_t route = ledger_find(balance->ledger, key, 0);
    if (route != LEDGER_NONE)
        untold_add_route(&balance->untold, route);
}

static void tell_turn(struct balance *balance, uint32_t number)
{
    uint64_t key, host;
    const struct standing *standing = &ledger_entry(balance->ledger, number)->standing;
    ledger_is(balance->ledger, number, &key, &host);
    char text[INET_ADDRSTRLEN];
    const struct host named = host_of(host);
    inet_ntop(AF_INET, &(struct in_addr){named.address}, text, sizeof(text));
    if (standing->state == STANDING_OVERLOADED)
        writer_count(balance->writer, COUNTER_ejections, 1);
    log_limited(&balance->turn_limit, LOG_LEVEL_INFO, "route %" PRIu32 "/%" PRIu32 ": %s:%u is %s",
                key_modid(key), key_cmdid(key), text, ntohs(named.port),
                standing->state == STANDING_OVERLOADED ? "overloaded" : "good again");
}

/*
 * After health_apply() or health_time(). `before`: the counts that a change has reset, for the report service, which
 * may not have been told them yet.
 */
static void settle(struct balance *balance, uint32_t number, enum health_change change,
                   const struct standing *before)
{
    struct host_entry *entry = ledger_entry(balance->ledger, number);
    uint64_t key, host;
    ledger_is(balance->ledger, number, &key, &host);
    if (change != HEALTH_SAME) {
        untold_keep(&balance->untold, number, before->rsucc, before->rerr);
        writer_begin_runs(balance->writer, entry->generation, entry->cell);
    }
    ledger_commit(balance->ledger, number);
    if (change == HEALTH_TURNED) {
        balance_publish_verdict(balance, number);
        tell_turn(balance, number);
        mark_news(balance, key);
    }
    deadlines_place(&balance->deadlines, number, &entry->standing);
    balance_gauge_overloaded(balance);
}

/* ---- results ---- */

static uint64_t saturated(uint64_t sum, uint64_t more)
{
    return sum + more < sum ? UINT64_MAX : sum + more;
}

/* Whoever is given the number of a record has room for it: room for two first. */
static uint32_t add_record(struct balance *balance, uint64_t key, uint64_t host)
{
    uint32_t used = ledger_used(balance->ledger) + 2;
    if (!deadlines_reserve(&balance->deadlines, used) || !untold_reserve(&balance->untold, used))
        return LEDGER_NONE;
    return ledger_add(balance->ledger, key, host);
}

/* Any client can have the fetcher remember routes that do not exist: they get no record, which would stay. */
static uint32_t record_for_route(struct balance *balance, uint64_t key)
{
    uint32_t route = ledger_find(balance->ledger, key, 0);
    if (route == LEDGER_NONE && writer_hosts(balance->writer, key, balance->hosts) > 0)
        route = add_record(balance, key, 0);
    return route;
}

/* How far the host's cell is read, for the next fetcher. */
static void note_read(const struct balance *balance, struct host_entry *entry,
                      const struct call_report *report, uint64_t generation)
{
    if (generation != writer_generation(balance->writer))
        return;
    entry->generation = generation;
    entry->cell = report->cell;
    entry->counts = report->counts;
    entry->extra = report->extra;
}

/*
 * Results of hosts that the route does not have, or has no more: of a sum, and of nothing else. That is the route's,
 * unless an operator holds the host, which has its record still.
 */
static void count_only(struct balance *balance, const struct call_report *report, uint64_t generation)
{
    uint32_t number = ledger_find(balance->ledger, report->key, report->host);
    if (number == LEDGER_NONE)
        number = record_for_route(balance, report->key);
    writer_count(balance->writer, COUNTER_reports_unknown, report->batch.succ + report->batch.err);
    writer_begin_runs(balance->writer, generation, report->cell); /* it comes back without a streak */
    if (number == LEDGER_NONE)
        return;
    struct host_entry *entry = ledger_entry(balance->ledger, number);
    entry->standing.total_succ = saturated(entry->standing.total_succ, report->batch.succ);
    entry->standing.total_err = saturated(entry->standing.total_err, report->batch.err);
    note_read(balance, entry, report, generation);
    ledger_commit(balance->ledger, number);
}

static uint32_t new_record(struct balance *balance, uint64_t key, uint64_t host)
{
    uint32_t number = add_record(balance, key, host);
    if (number == LEDGER_NONE)
        return LEDGER_NONE;
    health_birth(&ledger_entry(balance->ledger, number)->standing, balance->config, balance->now);
    return number;
}

static uint64_t smaller(uint64_t one, uint64_t other)
{
    return one < other ? one : other;
}

/* The first batch of a host: what ran on into it from before is not the host's own. */
static struct call_batch first_batch(const struct call_batch *batch)
{
    struct call_batch own = *batch;
    own.err_run = (uint32_t)smaller(batch->err_run, saturated(batch->err, batch->extra));
    own.succ_run = (uint32_t)smaller(batch->succ_run, batch->succ);
    return own;
}

bool balance_report_came(void *context, const struct call_report *report, uint64_t generation)
{
    struct balance *balance = context;
    writer_count(balance->writer, COUNTER_reports, report->batch.succ + report->batch.err);
    if (writer_state(balance->writer, report->key) == ROUTE_UNKNOWN) {
        writer_count(balance->writer, COUNTER_reports_unknown, report->batch.succ + report->batch.err);
        return false;
    }
    if (writer_find_host(balance->writer, report->key, host_of(report->host)) == HOST_NONE) {
        count_only(balance, report, generation);
        return false;
    }
    struct call_batch batch = report->batch;
    uint32_t number = ledger_find(balance->ledger, report->key, report->host);
    if (number == LEDGER_NONE) {
        number = new_record(balance, report->key, report->host);
        batch = first_batch(&report->batch);
    }
    if (number == LEDGER_NONE) {
        writer_count(balance->writer, COUNTER_reports_refused, report->batch.succ + report->batch.err);
        log_limited(&balance->full_limit, LOG_LEVEL_WARNING,
                    "no room for what is known of another host: raise [shm] max_bytes, or free memory");
        return true;
    }
    struct host_entry *entry = ledger_entry(balance->ledger, number);
    note_read(balance, entry, report, generation);
    if (!deadlines_has(&balance->deadlines, number) && entry->standing.state == STANDING_IDLE)
        health_begin_window(&entry->standing, balance->config, balance->now);
    const struct standing before = entry->standing;
    enum health_change change = health_apply(&entry->standing, &batch, balance->config, balance->now);
    /* What the batch brought was not told either. */
    struct standing untold = before;
    untold.rsucc = untold_plus(untold.rsucc, batch.succ);
    untold.rerr = untold_plus(untold.rerr, batch.err);
    settle(balance, number, change, &untold);
    mark_news(balance, report->key);
    return true;
}

void balance_take(struct balance *balance, uint32_t budget)
{
    char note[WRITER_NOTE_MAX];
    writer_harvest_calls(balance->writer, budget, ledger_used(balance->ledger), balance->now, note);
    if (note[0])
        log_limited(&balance->note_limit, LOG_LEVEL_WARNING, "%s", note);
}

/* ---- time ---- */

static void time_passed(struct balance *balance)
{
    uint32_t number;
    for (enum standing_state state = STANDING_IDLE; state <= STANDING_OVERLOADED; state++)
        while (deadlines_first(&balance->deadlines, state, &number)) {
            struct standing *standing = &ledger_entry(balance->ledger, number)->standing;
            const struct standing before = *standing;
            enum health_change change = health_time(standing, balance->config, balance->now);
            if (change == HEALTH_SAME)
                break;
            settle(balance, number, change, &before);
        }
}

/* ---- orders ---- */

static enum order_result carry_out(struct balance *balance, const struct order *order)
{
    uint32_t number = ledger_find(balance->ledger, order->key, order->host);
    bool has_record = order->host && number != LEDGER_NONE;
    if (writer_state(balance->writer, order->key) == ROUTE_UNKNOWN && !has_record)
        return ORDER_NO_ROUTE;
    if (order->host == 0 ||
        (!has_record && writer_find_host(balance->writer, order->key, host_of(order->host)) == HOST_NONE))
        return ORDER_NO_HOST;
    if (!has_record)
        number = new_record(balance, order->key, order->host);
    if (number == LEDGER_NONE)
        return ORDER_FULL;
    ledger_entry(balance->ledger, number)->standing.hold = (uint8_t)order->hold;
    ledger_commit(balance->ledger, number);
    balance_publish_verdict(balance, number);
    if (order->hold == HOLD_NONE) /* the record of a host that has left was kept for the hold alone */
        balance_table_changed(balance, order->key);
    writer_count(balance->writer, COUNTER_orders, 1);
    return ORDER_DONE;
}

void balance_poll(struct balance *balance, uint64_t now)
{
    struct order order;
    balance->now = now;
    balance_take(balance, REPORTS_PER_POLL);
    time_passed(balance);
    if (ledger_order(balance->ledger, &order))
        ledger_answer(balance->ledger, carry_out(balance, &order));
}

/* ---- tables ---- */

const uint64_t *balance_verdict(struct balance *balance, uint64_t key, const struct host *hosts,
                                uint32_t count)
{
    if (ledger_find(balance->ledger, key, 0) == LEDGER_NONE)
        return NULL;
    memset(balance->verdict, 0, VERDICT_WORDS(count) * sizeof(uint64_t));
    for (uint32_t at = 0; at < count; at++) {
        uint32_t number = ledger_find(balance->ledger, key, host_word(hosts[at].address, hosts[at].port));
        if (number == LEDGER_NONE)
            continue;
        const struct standing *standing = &ledger_entry(balance->ledger, number)->standing;
        if (is_out(standing))
            balance->verdict[at / 32] |= verdict_out(at);
        if (standing->hold == HOLD_DRAINED)
            balance->verdict[at / 32] |= verdict_unprobed(at);
    }
    return balance->verdict;
}

/* What is known of a host that has left ends; what an operator has said of it stays. */
static void reset(struct balance *balance, uint32_t number)
{
    struct host_entry *left = ledger_entry(balance->ledger, number);
    writer_begin_runs(balance->writer, left->generation, left->cell);
    deadlines_remove(&balance->deadlines, number);
    untold_forget(&balance->untold, number);
    if (left->standing.hold == HOLD_NONE) {
        ledger_remove(balance->ledger, number);
        return;
    }
    left->standing.total_succ = left->standing.total_err = 0;
    health_birth(&left->standing, balance->config, balance->now);
    ledger_commit(balance->ledger, number);
}

void balance_finish_absorbing(struct balance *balance, uint32_t route)
{
    struct host_entry *sum = ledger_entry(balance->ledger, route);
    uint64_t key, host;
    if (sum->absorbed == 0)
        return;
    ledger_is(balance->ledger, route, &key, &host);
    uint32_t number = ledger_find(balance->ledger, key, sum->absorbed);
    if (number != LEDGER_NONE)
        reset(balance, number);
    sum->absorbed = 0;
    ledger_commit(balance->ledger, route);
}

/*
 * Two records change, and a fetcher may die in between. One commit enlarges the route's sums and names the host:
 * whoever finds the name knows that the host's own totals count no more (see resume()).
 */
static void absorb(struct balance *balance, uint32_t route, uint32_t number, uint64_t host)
{
    const struct standing *left = &ledger_entry(balance->ledger, number)->standing;
    struct host_entry *sum = ledger_entry(balance->ledger, route);
    sum->standing.total_succ = saturated(sum->standing.total_succ, left->total_succ);
    sum->standing.total_err = saturated(sum->standing.total_err, left->total_err);
    sum->absorbed = host;
    ledger_commit(balance->ledger, route);
    balance_finish_absorbing(balance, route);
}

void balance_table_changed(struct balance *balance, uint64_t key)
{
    uint32_t route = ledger_find(balance->ledger, key, 0);
    uint32_t next = route == LEDGER_NONE ? LEDGER_NONE : ledger_next(balance->ledger, route);
    while (next != LEDGER_NONE) {
        uint32_t number = next;
        uint64_t host;
        next = ledger_next(balance->ledger, number);
        ledger_is(balance->ledger, number, &key, &host);
        if (writer_find_host(balance->writer, key, host_of(host)) == HOST_NONE)
            absorb(balance, route, number, host);
        else /* results that came while the table was being published may have changed it */
            balance_publish_verdict(balance, number);
    }
    balance_gauge_overloaded(balance);
}

/* ---- for the report service ---- */

bool balance_next_results(struct balance *balance, uint64_t *key, struct host_result *out, uint32_t *count)
{
    uint32_t route;
    uint64_t host;
    do
        if (!untold_take_route(&balance->untold, &route))
            return false;
    while (!ledger_is(balance->ledger, route, key, &host));
    *count = writer_hosts(balance->writer, *key, balance->hosts);
    for (uint32_t at = 0; at < *count; at++) {
        out[at] = (struct host_result){.host = balance->hosts[at]};
        uint32_t number = ledger_find(balance->ledger, *key,
                                      host_word(balance->hosts[at].address, balance->hosts[at].port));
        if (number == LEDGER_NONE)
            continue;
        const struct standing *standing = &ledger_entry(balance->ledger, number)->standing;
        untold_tell(&balance->untold, number, standing, &out[at].succ, &out[at].err);
        out[at].overloaded = standing->state == STANDING_OVERLOADED;
    }
    return true;
}

void balance_tell_again(struct balance *balance)
{
    uint64_t key, host;
    for (uint32_t number = 0; number < ledger_used(balance->ledger); number++)
        if (ledger_is(balance->ledger, number, &key, &host) && host == 0)
            untold_add_route(&balance->untold, number);
}
