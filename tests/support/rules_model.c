/* SPDX-License-Identifier: MIT */
#include "tests/support/rules_model.h"

/* ---- a host ---- */

bool model_is_out(const struct model_host *host)
{
    return host->drained || (host->ejected && !host->pinned);
}

bool model_is_spared(const struct model_host *host)
{
    return !host->ejected &&
           (host->reason == MODEL_ERR_RATE || host->reason == MODEL_STREAK || host->reason == MODEL_WINDOW);
}

uint32_t model_eighths(const struct model_route *route, const struct model_host *host)
{
    uint64_t back = route->now - host->since;
    if (model_is_out(host))
        return 0;
    if (host->pinned || (host->reason != MODEL_PROBES && host->reason != MODEL_TIME) ||
        back >= route->rules->slow_start)
        return 8;
    return 1 + (uint32_t)(back * 7 / route->rules->slow_start);
}

bool model_has_spared(const struct model_route *route)
{
    for (uint32_t at = 0; at < MODEL_HOSTS; at++) {
        const struct model_host *host = &route->hosts[at];
        if (host->here && !host->drained && model_is_spared(host))
            return true;
    }
    return false;
}

bool model_has_changed(const struct model_route *before, const struct model_route *route, uint32_t at)
{
    const struct model_host *old = &before->hosts[at], *host = &route->hosts[at];
    return host->known && host->reason != MODEL_NEW && host->since == route->now &&
           (host->since != old->since || host->ejected != old->ejected);
}

bool model_has_none_left(const struct model_route *route)
{
    uint32_t here = 0, out = 0;
    for (uint32_t at = 0; at < MODEL_HOSTS; at++) {
        here += route->hosts[at].here;
        out += route->hosts[at].here && model_is_out(&route->hosts[at]);
    }
    return here > 0 && out == here;
}

static uint64_t ejection_time(const struct model_rules *rules, uint32_t ejections)
{
    uint64_t wanted = rules->ejection * ejections,
             longest = rules->longest > rules->ejection ? rules->longest : rules->ejection;
    return wanted < longest ? wanted : longest;
}

/* One is forgotten for each overload_timeout in rotation; at most as many as make the longest ejection are kept. */
static uint32_t ejections_in_rotation(const struct model_route *route, const struct model_host *host)
{
    const struct model_rules *rules = route->rules;
    uint64_t forgotten = (route->now - host->since) / rules->ejection;
    uint32_t kept = host->ejections;
    while (kept > 1 && ejection_time(rules, kept - 1) == ejection_time(rules, kept))
        kept--;
    return forgotten < kept ? kept - (uint32_t)forgotten : 0;
}

static void begin_counts(struct model_route *route, struct model_host *host)
{
    host->window = route->now;
    host->succ = host->fail = host->weight = 0;
    host->credit = host->ejected ? 0 : route->rules->credit;
    host->charge = host->ejected ? route->rules->charge : 0;
}

static void end_streaks(struct model_host *host)
{
    host->fails_in_a_row = host->succs_in_a_row = 0;
}

static void begin_state(struct model_route *route, struct model_host *host, bool ejected,
                        enum model_reason reason)
{
    host->ejected = ejected;
    host->reason = reason;
    host->since = route->now;
    begin_counts(route, host);
    end_streaks(host);
}

/* What it does at this moment is its own. */
static void become_new(struct model_route *route, struct model_host *host)
{
    uint32_t fails = host->fails_in_a_row, succs = host->succs_in_a_row;
    host->known = true;
    host->ejections = 0;
    host->left = 0;
    begin_state(route, host, false, MODEL_NEW);
    host->fails_in_a_row = fails;
    host->succs_in_a_row = succs;
}

static void eject(struct model_route *route, struct model_host *host, enum model_reason reason)
{
    host->ejections_before = ejections_in_rotation(route, host);
    host->ejections = host->ejections_before + 1;
    host->share = (uint32_t)(UINT64_C(10000) * host->weight / (host->weight + host->succ));
    begin_state(route, host, true, reason);
    host->until = route->now + ejection_time(route->rules, host->ejections);
}

static void spare(struct model_route *route, struct model_host *host)
{
    host->ejections = host->ejections_before;
    begin_state(route, host, false, host->reason);
}

/* ---- how many may be out ---- */

uint32_t model_most_out(const struct model_route *route)
{
    uint32_t hosts = 0;
    for (uint32_t at = 0; at < MODEL_HOSTS; at++)
        hosts += route->hosts[at].here && !route->hosts[at].drained;
    return hosts == 1 ? 0 : hosts * route->rules->max_ejected / 100;
}

static bool counts_as_out(const struct model_host *host)
{
    return host->here && !host->drained && model_is_out(host);
}

uint32_t model_count_out(const struct model_route *route)
{
    uint32_t out = 0;
    for (uint32_t at = 0; at < MODEL_HOSTS; at++)
        out += counts_as_out(&route->hosts[at]);
    return out;
}

static bool is_less_bad(const struct model_route *route, uint32_t at, uint32_t than)
{
    const struct model_host *host = &route->hosts[at], *other = &route->hosts[than];
    if (host->share != other->share)
        return host->share < other->share;
    if (host->since != other->since)
        return host->since > other->since;
    return !route->preferred[at] && route->preferred[than];
}

static void keep_limit(struct model_route *route)
{
    while (model_count_out(route) > model_most_out(route)) {
        uint32_t least = MODEL_HOSTS;
        for (uint32_t at = 0; at < MODEL_HOSTS; at++)
            if (counts_as_out(&route->hosts[at]) && (least == MODEL_HOSTS || is_less_bad(route, at, least)))
                least = at;
        spare(route, &route->hosts[least]);
    }
}

/* ---- results and time ---- */

void model_report(struct model_route *route, uint32_t at, bool success, uint32_t weight)
{
    struct model_host *host = &route->hosts[at];
    if (!host->here)
        return;
    if (success) {
        host->new_succ++;
        host->fails_in_a_row = 0;
        host->succs_in_a_row++;
        if (host->succs_in_a_row > host->longest_succs_in_a_row)
            host->longest_succs_in_a_row = host->succs_in_a_row;
    } else {
        host->new_fail++;
        host->new_weight += weight;
        host->succs_in_a_row = 0;
        host->fails_in_a_row += weight;
        if (host->fails_in_a_row > host->longest_fails_in_a_row)
            host->longest_fails_in_a_row = host->fails_in_a_row;
    }
}

static bool is_idle(const struct model_host *host)
{
    return host->succ + host->fail == 0;
}

/* Results that arrive within poll_interval_ms are judged together. */
static void judge(struct model_route *route, struct model_host *host)
{
    const struct model_rules *rules = route->rules;
    bool failed = host->new_fail > 0, succeeded = host->new_succ > 0;
    if (!failed && !succeeded)
        return;
    if (!host->known)
        become_new(route, host);
    if (!host->ejected && is_idle(host))
        host->window = route->now;
    host->succ += host->new_succ;
    host->fail += host->new_fail;
    host->weight += host->new_weight;
    uint64_t bad = (uint64_t)host->charge + host->weight, all = bad + host->credit + host->succ;
    if (!host->ejected && failed && bad * 1000 > all * rules->err_rate)
        eject(route, host, MODEL_ERR_RATE);
    else if (!host->ejected && failed && host->longest_fails_in_a_row >= rules->err_limit) {
        host->in_a_row = host->longest_fails_in_a_row;
        eject(route, host, MODEL_STREAK);
    } else if (host->ejected && succeeded && host->longest_succs_in_a_row >= rules->succ_limit) {
        host->in_a_row = host->longest_succs_in_a_row;
        begin_state(route, host, false, MODEL_PROBES);
    }
}

static void end_window(struct model_route *route, struct model_host *host)
{
    const struct model_rules *rules = route->rules;
    uint32_t calls = host->succ + host->fail;
    if (calls >= rules->window_min_calls && host->fail * 1000 >= calls * rules->window_err_rate)
        eject(route, host, MODEL_WINDOW);
    else if (model_is_spared(host) && calls >= rules->window_min_calls &&
             host->fail * 1000 <= calls * rules->err_rate) {
        host->ejections = ejections_in_rotation(route, host);
        begin_state(route, host, false, MODEL_GOOD_WINDOW);
    } else {
        begin_counts(route, host);
        end_streaks(host);
    }
}

/* The time at which a host left its route is kept in whole seconds, rounded up. */
static bool is_forgotten(const struct model_route *route, const struct model_host *host)
{
    return host->left && route->now >= host->left / 1000 * 1000 + 1000 + route->rules->memory;
}

static void forget(struct model_route *route, struct model_host *host)
{
    become_new(route, host);
    end_streaks(host);
    host->known = host->drained || host->pinned;
}

static void let_time_pass(struct model_route *route, struct model_host *host)
{
    if (is_forgotten(route, host))
        forget(route, host);
    else if (host->ejected && route->now >= host->until)
        begin_state(route, host, false, MODEL_TIME);
    else if (!host->ejected && !is_idle(host) && route->now >= host->window + route->rules->window)
        end_window(route, host);
}

void model_poll(struct model_route *route, uint64_t now)
{
    route->now = now;
    for (uint32_t at = 0; at < MODEL_HOSTS; at++) {
        struct model_host *host = &route->hosts[at];
        judge(route, host);
        host->new_succ = host->new_fail = host->new_weight = 0;
        host->longest_succs_in_a_row = host->longest_fails_in_a_row = 0;
        let_time_pass(route, host);
    }
    keep_limit(route);
}

/* ---- the operator, the directory ---- */

void model_override(struct model_route *route, uint32_t at, bool drained, bool pinned)
{
    struct model_host *host = &route->hosts[at];
    if (!host->known)
        become_new(route, host);
    host->drained = drained;
    host->pinned = pinned;
    keep_limit(route);
    if (!host->here && !host->left && !drained && !pinned)
        host->known = false;
}

static void leave(struct model_route *route, struct model_host *host)
{
    host->here = false;
    if (!host->known)
        return;
    if (route->rules->memory > 0 && (host->ejected || ejections_in_rotation(route, host) > 0)) {
        host->left = route->now;
        begin_counts(route, host);
        end_streaks(host);
    } else
        forget(route, host);
}

static void come_back(struct model_host *host)
{
    host->here = true;
    host->left = 0;
}

void model_table(struct model_route *route, const bool here[MODEL_HOSTS])
{
    for (uint32_t at = 0; at < MODEL_HOSTS; at++)
        if (here[at] && !route->hosts[at].here)
            come_back(&route->hosts[at]);
        else if (!here[at] && route->hosts[at].here)
            leave(route, &route->hosts[at]);
    keep_limit(route);
}

void model_reload(struct model_route *route)
{
    for (uint32_t at = 0; at < MODEL_HOSTS; at++) {
        struct model_host *host = &route->hosts[at];
        if (host->ejected)
            host->until = host->since + ejection_time(route->rules, host->ejections);
    }
    keep_limit(route);
}

void model_end_streaks(struct model_route *route)
{
    for (uint32_t at = 0; at < MODEL_HOSTS; at++)
        end_streaks(&route->hosts[at]);
}
