/* SPDX-License-Identifier: MIT */
#include "tests/integration/route_health_trial.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shm/host_records.h"
#include "tests/integration/route_health_log.h"
#include "tests/support/by_key.h"

struct happened seen;

/* As clients find it. */
static void view_table(const struct trial *trial, uint32_t number, struct host_view *views)
{
    const struct route_ref route = writer_find(trial->instance->writer, key_of(number));
    for (uint32_t at = 0; at < trial->host_count; at++) {
        uint32_t place = route_ref_find_host(&route, trial->hosts[at]);
        views[at].here = place != HOST_NONE;
        if (!views[at].here)
            continue;
        uint32_t share = share_in(load_relaxed(&route.table.s_states[place / STATES_IN_WORD]), place);
        views[at].out = share >= SHARE_EJECTED;
        views[at].drained = share == SHARE_DRAINED;
        views[at].eighths = share == SHARE_FULL ? SHARE_EIGHTHS : views[at].out ? 0 : share;
    }
}

static void view_records(struct trial *trial)
{
    const struct trust self = {.owners = {geteuid()}, .owner_count = 1, .unsafe_mode = 0022};
    struct region region;
    struct host_records records;
    assert_int_equal(region_open(trial->instance->names.hosts, false, &self, HEADER_BYTES, &region), SHM_OK);
    assert_int_equal(host_records_attach(&region, &records), SHM_OK);
    for (uint32_t number = 0; number < host_records_used(&records); number++) {
        struct route_key key;
        struct host_addr host;
        struct host_entry entry;
        if (!host_records_read(&records, number, &key, &host, &entry) || host_addr_is_none(host))
            continue;
        struct host_view *found = &trial->views[key.cmdid - 1][ntohs(host.port) - 1];
        found->known = true;
        found->health = entry.health;
    }
    region_close(&region);
}

void trial_view(struct trial *trial)
{
    memset(trial->views, 0, sizeof(trial->views));
    for (uint32_t route = 0; route < ROUTES; route++)
        view_table(trial, route, trial->views[route]);
    view_records(trial);
}

/* ---- comparison ---- */

static enum health_reason reason_of(enum model_reason reason)
{
    static const enum health_reason reasons[MODEL_REASONS] = {
        [MODEL_NEW] = REASON_BIRTH,
        [MODEL_ERR_RATE] = REASON_ERR_RATE,
        [MODEL_STREAK] = REASON_ERR_STREAK,
        [MODEL_WINDOW] = REASON_WINDOW,
        [MODEL_PROBES] = REASON_SUCC_STREAK,
        [MODEL_TIME] = REASON_TIMEOUT,
        [MODEL_GOOD_WINDOW] = REASON_GOOD_WINDOW,
    };
    return reasons[reason];
}

static bool agree_on_state(const struct host_view *view, const struct model_host *model)
{
    const struct host_health *health = &view->health;
    return (health->state == HOST_EJECTED) == model->ejected && health->reason == reason_of(model->reason) &&
           host_health_is_spared(health) == model_is_spared(model) && health->level == model->ejections &&
           (!model->ejected || (health->since == model->since && health->window == model->until &&
                                health->badness == model->share)) &&
           (health->override == OVERRIDE_DRAINED) == model->drained &&
           (health->override == OVERRIDE_PINNED) == model->pinned;
}

static bool agree_on_counts(const struct host_health *health, const struct model_host *model)
{
    return health->rsucc == model->succ && health->rerr == model->fail &&
           health->vsucc == model->credit + model->succ && health->verr == model->charge + model->weight;
}

static bool agree_on_rotation(const struct host_view *view, const struct model_route *route,
                              const struct model_host *model)
{
    return view->here == model->here &&
           (!view->here || (view->out == model_is_out(model) && view->drained == model->drained &&
                            view->eighths == model_eighths(route, model)));
}

bool trial_agrees_on_rotation(const struct trial *trial, uint32_t route, uint32_t at)
{
    return agree_on_rotation(&trial->views[route][at], &trial->model[route], &trial->model[route].hosts[at]);
}

static bool agree(const struct host_view *view, const struct model_route *route,
                  const struct model_host *model)
{
    return agree_on_rotation(view, route, model) && view->known == model->known &&
           (!view->known ||
            (agree_on_state(view, model) && (!view->here || agree_on_counts(&view->health, model))));
}

static void expect_agreement(const struct trial *trial, uint32_t route, uint32_t at, const char *after)
{
    const struct host_view *view = &trial->views[route][at];
    const struct host_health *health = &view->health;
    const struct model_host *model = &trial->model[route].hosts[at];
    if (agree(view, &trial->model[route], model))
        return;
    fail_msg(
        "seed %u, tick %lu, route %u, host %u of %u, after %s: here %d, known %d, out %d, drained %d, eighths %u, ejected %d, "
        "reason %d, level %u, badness %u, since %lu, until %lu, calls %u/%u, judged %u/%u; the model says: here "
        "%d, known %d, out %d, drained %d, eighths %u, ejected %d, reason %d, level %u, badness %u, since %lu, until %lu, "
        "calls %u/%u, judged %u/%u",
        seed, (unsigned long)clock_ms, route, at, trial->host_count, after, view->here, view->known,
        view->out, view->drained, view->eighths, health->state, health->reason, health->level,
        health->badness, (unsigned long)health->since, (unsigned long)health->window, health->rsucc,
        health->rerr, health->vsucc, health->verr, model->here, model->known, model_is_out(model),
        model->drained, model_eighths(&trial->model[route], model), model->ejected, reason_of(model->reason),
        model->ejections, model->share, (unsigned long)model->since, (unsigned long)model->until, model->succ,
        model->fail, model->credit + model->succ, model->charge + model->weight);
}

/* ---- what must hold whatever the model says ---- */

static void expect_no_more_than_max_ejected_out(const struct trial *trial, uint32_t route)
{
    uint32_t hosts = 0, out = 0;
    for (uint32_t at = 0; at < trial->host_count; at++) {
        const struct host_view *view = &trial->views[route][at];
        hosts += view->here && !view->drained;
        out += view->here && !view->drained && view->out;
    }
    if (out * 100 > hosts * trial->config.loadbalance.max_ejected || (hosts == 1 && out > 0))
        fail_msg("seed %u, route %u: %u of %u hosts are out", seed, route, out, hosts);
    seen.alone += hosts == 1;
}

void trial_expect_worst_out(const struct trial *trial, uint32_t route)
{
    uint32_t spared = 0, out = UINT32_MAX;
    for (uint32_t at = 0; at < trial->host_count; at++) {
        const struct host_view *view = &trial->views[route][at];
        const struct model_host *model = &trial->model[route].hosts[at];
        if (!view->here || view->drained)
            continue;
        if (view->out && view->health.badness < out)
            out = view->health.badness;
        if (host_health_is_spared(&view->health) && view->health.since == clock_ms && model->share > spared)
            spared = model->share;
    }
    if (spared > out)
        fail_msg("seed %u, route %u: a host with %u of 10,000 failures is spared, one with %u is out", seed,
                 route, spared, out);
}

static void expect_spared_shown(const struct trial *trial, uint32_t route, const char *where)
{
    const struct route_ref found = writer_find(trial->instance->writer, key_of(route));
    bool spared = model_has_spared(&trial->model[route]);
    if (route_ref_is_spared(&found) != spared)
        fail_msg("%s: route %u: it is shown that a host is spared: %d, the model says %d", where, route,
                 !spared, spared);
}

/* ---- counts of what happened ---- */

static bool window_of_few_calls_failed(const struct trial *trial, const struct model_host *host)
{
    uint32_t calls = host->succ + host->fail;
    return !host->ejected && calls > 0 && calls < trial->rules.window_min_calls &&
           host->fail * 1000 >= calls * trial->rules.window_err_rate;
}

static void count_change(const struct trial *trial, const struct model_host *before,
                         const struct model_host *host, bool polled)
{
    if (model_is_spared(host)) {
        seen.spared[host->reason]++;
        seen.replaced += before->ejected && polled;
        seen.released += before->ejected && !polled;
        return;
    }
    seen.changes[host->reason]++;
    seen.third_in_a_row += host->ejected && host->ejections == 3;
    seen.longest += host->ejected && host->until - host->since == trial->rules.longest;
}

static void count_host(const struct trial *trial, uint32_t route, uint32_t at)
{
    const struct model_host *before = &trial->before[route].hosts[at], *host = &trial->model[route].hosts[at];
    if (model_has_changed(&trial->before[route], &trial->model[route], at))
        count_change(trial, before, host, trial->model[route].now != trial->before[route].now);
    seen.forgotten += before->left && !host->left && !host->here;
    seen.few_calls += window_of_few_calls_failed(trial, before) && !host->ejected &&
                      host->window == clock_ms && host->succ + host->fail == 0;
    uint32_t eighths = model_eighths(&trial->model[route], host);
    seen.returning += host->here && eighths > 0 && eighths < SHARE_EIGHTHS;
    seen.pinned += host->here && host->ejected && host->pinned;
    seen.drained += host->here && host->drained;
}

void trial_compare(struct trial *trial, const char *after)
{
    char where[64];
    snprintf(where, sizeof(where), "seed %u, after %s", seed, after);
    for (uint32_t route = 0; route < ROUTES; route++) {
        for (uint32_t at = 0; at < trial->host_count; at++) {
            expect_agreement(trial, route, at, after);
            count_host(trial, route, at);
        }
        expect_no_more_than_max_ejected_out(trial, route);
        expect_spared_shown(trial, route, where);
        route_log_expect(key_of(route).cmdid, &trial->before[route], &trial->model[route], where);
        seen.none_left += model_has_none_left(&trial->model[route]);
        trial->before[route] = trial->model[route];
    }
    route_log_expect_end(where);
}
