/* SPDX-License-Identifier: MIT */
/* What is printed of routes and their hosts. */
#include <inttypes.h>

#include "tools/larshm/metrics_families.h"

static void routes(FILE *out, const char *name, const struct metrics *metrics)
{
    for (int i = 0; metrics->routes_known && i < ROUTE_CONDITIONS; i++)
        sample_labelled(out, name, metrics, "state", route_condition_names[i], metrics->facts.routes[i]);
}

static void held(FILE *out, const char *name, const struct metrics *metrics)
{
    for (unsigned i = 0; metrics->routes_known && i < HOLD_REASONS; i++)
        sample_labelled(out, name, metrics, "reason", route_hold_name(i), metrics->facts.held[i]);
}

static void without_host(FILE *out, const char *name, const struct metrics *metrics)
{
    if (metrics->routes_known)
        sample_value(out, name, metrics, (double)metrics->facts.without_host);
}

static void spared(FILE *out, const char *name, const struct metrics *metrics)
{
    if (metrics->routes_known)
        sample_value(out, name, metrics, (double)metrics->facts.spared);
}

static void restored(FILE *out, const char *name, const struct metrics *metrics)
{
    if (metrics->routes_known)
        sample_value(out, name, metrics, (double)metrics->facts.restored);
}

static void damaged(FILE *out, const char *name, const struct metrics *metrics)
{
    if (metrics->routes_known)
        sample_value(out, name, metrics, (double)metrics->facts.damaged);
}

static void ages(FILE *out, const char *name, const struct metrics *metrics)
{
    const struct exposition_histogram histogram = {metrics->facts.ages, age_bounds_s, AGE_BUCKETS, 1,
                                                   (double)metrics->facts.ages_ms / 1000};
    if (metrics->routes_known)
        exposition_histogram(out, name, metrics->instance, &histogram);
}

static void top(FILE *out, const char *name, const struct metrics *metrics)
{
    for (size_t i = 0; i < metrics->top_count; i++) {
        char modid[16], cmdid[16];
        snprintf(modid, sizeof(modid), "%" PRIu32, metrics->top[i].key.modid);
        snprintf(cmdid, sizeof(cmdid), "%" PRIu32, metrics->top[i].key.cmdid);
        exposition_sample(out, name, (double)metrics->top[i].lookups, INSTANCE_LABEL, metrics->instance,
                          "modid", modid, "cmdid", cmdid, NULL);
    }
}

static void hosts(FILE *out, const char *name, const struct metrics *metrics)
{
    for (int i = 0; metrics->hosts_known && i < HOSTS_OTHER; i++)
        sample_labelled(out, name, metrics, "state", host_group_names[i], metrics->hosts[i].hosts);
}

static void host_results(FILE *out, const char *name, const struct metrics *metrics)
{
    for (int i = 0; metrics->hosts_known && i < HOST_GROUPS; i++) {
        exposition_sample(out, name, (double)metrics->hosts[i].successes, INSTANCE_LABEL, metrics->instance,
                          "state", host_group_names[i], "result", "success", NULL);
        exposition_sample(out, name, (double)metrics->hosts[i].failures, INSTANCE_LABEL, metrics->instance,
                          "state", host_group_names[i], "result", "failure", NULL);
    }
}

const struct metrics_family metrics_routes[] = {
    {"larshm_routes", FAMILY_GAUGE, "cached routes by state, see larshm(1)", routes},
    {"larshm_holds", FAMILY_GAUGE, "routes of which the directory's last answer is held back, by reason",
     held},
    {"larshm_routes_without_host", FAMILY_GAUGE, "routes that have hosts, none of them in rotation",
     without_host},
    {"larshm_routes_spared", FAMILY_GAUGE,
     "routes with a host that fails and stays in rotation: max_ejected others are out", spared},
    {"larshm_routes_from_snapshot", FAMILY_GAUGE,
     "routes that the directory has not confirmed since the reboot", restored},
    {"larshm_routes_damaged", FAMILY_GAUGE, "slots that no fetcher leaves so", damaged},
    {"larshm_route_age_seconds", FAMILY_HISTOGRAM,
     "routes by the time since the directory confirmed them, now: use it without rate()", ages},
    {"larshm_route_lookups_total", FAMILY_COUNTER,
     "lookups of the routes that are looked up most: estimates from samples", top},
    {"larshm_hosts", FAMILY_GAUGE, "hosts of which results were reported, by what becomes of them", hosts},
    {"larshm_host_results", FAMILY_GAUGE,
     "results of calls to the hosts that are in that state now; other: their routes have them no more",
     host_results},
    {0},
};
