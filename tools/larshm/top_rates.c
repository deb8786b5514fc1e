/* SPDX-License-Identifier: MIT */
#include "tools/larshm/top_rates.h"

#include <stdlib.h>

enum {
    USES_OLD_MS = 3000 /* no new list for so long: no lookups, or no fetcher that counts them */
};

static const double unknown = -1;

const char *const top_sort_names[SORTS] = {
    [SORT_BY_RATE] = "rate",
    [SORT_BY_FAILURES] = "failures",
    [SORT_BY_AGE] = "age",
};

/* What has become less was reset. */
static double per_second(uint64_t before, uint64_t after, uint64_t ms)
{
    return after > before && ms ? (double)(after - before) * 1000 / (double)ms : 0;
}

static void update_counters(struct top_rates *rates, const struct top_sample *before,
                            const struct top_sample *after)
{
    const uint64_t ms = after->tick - before->tick;
    const struct lookup_counts old = facts_lookups(&before->facts), new = facts_lookups(&after->facts);
    rates->lookups = per_second(old.lookups, new.lookups, ms);
    rates->missed = per_second(old.missed, new.missed, ms);
    rates->expired = per_second(old.expired, new.expired, ms);
    for (int i = 0; i < COUNTER_COUNT; i++)
        rates->counters[i] = per_second(before->facts.counters[i], after->facts.counters[i], ms);
}

static const struct top_row *find_row(const struct top_rates *rates, struct route_key key)
{
    for (size_t i = 0; i < rates->count; i++)
        if (route_key_equal(rates->rows[i].key, key))
            return &rates->rows[i];
    return NULL;
}

static const struct route_use *find_use(const struct top_uses *uses, struct route_key key)
{
    for (size_t i = 0; i < uses->count; i++)
        if (route_key_equal(uses->routes[i].key, key))
            return &uses->routes[i];
    return NULL;
}

static double lookups_of(const struct top_rates *old, const struct top_sample *before,
                         const struct top_sample *after, const struct route_use *use)
{
    const struct top_row *row = find_row(old, use->key);
    if (after->tick - after->uses.tick >= USES_OLD_MS)
        return 0;
    if (before->uses.tick == after->uses.tick)
        return row ? row->lookups : unknown;
    const struct route_use *was = find_use(&before->uses, use->key);
    return was ? per_second(was->lookups, use->lookups, after->uses.tick - before->uses.tick) : unknown;
}

static const struct top_results *find_results(const struct top_hosts *hosts, struct route_key key)
{
    for (size_t i = 0; i < hosts->of_count; i++)
        if (route_key_equal(hosts->of[i].key, key))
            return &hosts->of[i];
    return NULL;
}

static struct top_results_rate results_rate(const struct top_results *before, const struct top_results *after,
                                            uint64_t ms)
{
    if (!before || !after)
        return (struct top_results_rate){unknown, unknown};
    return (struct top_results_rate){per_second(before->succ, after->succ, ms),
                                     per_second(before->err, after->err, ms)};
}

static bool same_hosts(const struct top_sample *before, const struct top_sample *after)
{
    return before->hosts.tick == after->hosts.tick;
}

static struct top_results_rate results_of(const struct top_rates *old, const struct top_sample *before,
                                          const struct top_sample *after, struct route_key key)
{
    const struct top_row *row = find_row(old, key);
    if (same_hosts(before, after))
        return row ? row->results : (struct top_results_rate){unknown, unknown};
    return results_rate(find_results(&before->hosts, key), find_results(&after->hosts, key),
                        after->hosts.tick - before->hosts.tick);
}

static void update_rows(struct top_rates *rates, const struct top_rates *old, const struct top_sample *before,
                        const struct top_sample *after)
{
    rates->count = after->uses.count;
    for (size_t i = 0; i < rates->count; i++) {
        const struct route_use *use = &after->uses.routes[i];
        rates->rows[i] = (struct top_row){
            .key = use->key,
            .route = after->routes[i],
            .lookups = lookups_of(old, before, after, use),
            .results = results_of(old, before, after, use->key),
        };
    }
}

void top_rates_update(struct top_rates *rates, const struct top_sample *before,
                      const struct top_sample *after)
{
    const struct top_rates old = *rates;
    *rates = (struct top_rates){.known = before->status == SHM_OK && after->status == SHM_OK,
                                .results = {unknown, unknown}};
    if (!rates->known)
        return;
    update_counters(rates, before, after);
    if (same_hosts(before, after))
        rates->results = old.known ? old.results : rates->results;
    else if (before->hosts.status == SHM_OK && after->hosts.status == SHM_OK)
        rates->results =
            results_rate(&before->hosts.all, &after->hosts.all, after->hosts.tick - before->hosts.tick);
    update_rows(rates, &old, before, after);
}

double top_failures(struct top_results_rate results)
{
    return results.succ + results.err > 0 ? results.err / (results.succ + results.err) : unknown;
}

static double sort_value(const struct top_row *row, enum top_sort sort)
{
    switch (sort) {
    case SORT_BY_FAILURES:
        return top_failures(row->results);
    case SORT_BY_AGE:
        return row->route.cached ? (double)row->route.age_ms : unknown;
    default:
        return row->lookups;
    }
}

static int compare(const void *left, const void *right, void *context)
{
    const struct top_row *a = left, *b = right;
    const enum top_sort sort = *(const enum top_sort *)context;
    const double here = sort_value(a, sort), there = sort_value(b, sort);
    if (here != there)
        return here > there ? -1 : 1;
    if (a->lookups != b->lookups)
        return a->lookups > b->lookups ? -1 : 1;
    const uint64_t one = route_key_number(a->key), other = route_key_number(b->key);
    return (one > other) - (one < other);
}

void top_rates_sort(struct top_rates *rates, enum top_sort sort)
{
    qsort_r(rates->rows, rates->count, sizeof(*rates->rows), compare, &sort);
}
