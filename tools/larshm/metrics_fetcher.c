/* SPDX-License-Identifier: MIT */
/* What is printed of the fetcher, its generation and snapshot. */
#include "tools/larshm/metrics_families.h"

static void info(FILE *out, const char *name, const struct metrics *metrics)
{
    char layout[16];
    snprintf(layout, sizeof(layout), "%d", LAYOUT_VERSION);
    exposition_sample(out, name, 1, INSTANCE_LABEL, metrics->instance, "version", LARSHM_VERSION, "layout",
                      layout, NULL);
}

/* Of one that stopped cleanly the header has the end in place of the start. */
static void start_time(FILE *out, const char *name, const struct metrics *metrics)
{
    if (metrics->facts.fetcher != FETCHER_HAS_STOPPED)
        sample_value(out, name, metrics, (double)metrics->facts.since_unix_ms / 1000);
}

static void heartbeat_age(FILE *out, const char *name, const struct metrics *metrics)
{
    sample_value(out, name, metrics, (double)metrics->facts.silent_ms / 1000);
}

static void generation_time(FILE *out, const char *name, const struct metrics *metrics)
{
    sample_value(out, name, metrics, (double)metrics->facts.generation / 1000);
}

static void snapshot_time(FILE *out, const char *name, const struct metrics *metrics)
{
    if (metrics->facts.written_unix_ms)
        sample_value(out, name, metrics, (double)metrics->facts.written_unix_ms / 1000);
}

static void uncollected(FILE *out, const char *name, const struct metrics *metrics)
{
    if (metrics->facts.uncollected_known)
        sample_value(out, name, metrics, (double)metrics->facts.uncollected.lookups);
}

const struct metrics_family metrics_fetcher[] = {
    {"larshm_info", FAMILY_GAUGE, "version of larshm metrics, and layout of the objects", info},
    {"larshm_fetcher_start_time_seconds", FAMILY_GAUGE,
     "when the fetcher started, Unix time; none of one that stopped cleanly", start_time},
    {"larshm_fetcher_heartbeat_age_seconds", FAMILY_GAUGE,
     "how long ago the fetcher last gave a sign of life", heartbeat_age},
    {"larshm_generation_time_seconds", FAMILY_GAUGE, "when the routes object was created, Unix time",
     generation_time},
    {"larshm_snapshot_time_seconds", FAMILY_GAUGE,
     "when the last snapshot was written, Unix time; none so far: no sample", snapshot_time},
    {"larshm_uncollected_lookups", FAMILY_GAUGE,
     "lookups that no fetcher has collected yet; not in the counters", uncollected},
    {0},
};
