/* SPDX-License-Identifier: MIT */
/* What is printed of memory, and limits. */
#include "tools/larshm/metrics_families.h"

static void object_bytes(FILE *out, const char *name, const struct metrics *metrics)
{
    sample_labelled(out, name, metrics, "object", "routes", metrics->facts.object_bytes);
    sample_labelled(out, name, metrics, "object", "control", metrics->facts.control_bytes);
    sample_labelled(out, name, metrics, "object", "hosts", metrics->facts.hosts_bytes);
    sample_labelled(out, name, metrics, "object", "replaced",
                    metrics->facts.counters[COUNTER_replaced_bytes]);
}

static void object_limit(FILE *out, const char *name, const struct metrics *metrics)
{
    sample_labelled(out, name, metrics, "object", "routes", metrics->facts.max_bytes);
}

static void arena_bytes(FILE *out, const char *name, const struct metrics *metrics)
{
    if (!metrics->routes_known)
        return;
    sample_labelled(out, name, metrics, "use", "live", metrics->facts.units_live * UNIT_BYTES);
    sample_labelled(out, name, metrics, "use", "retired", metrics->facts.units_retired * UNIT_BYTES);
    sample_labelled(out, name, metrics, "use", "free", metrics->facts.units_free * UNIT_BYTES);
}

static void slots(FILE *out, const char *name, const struct metrics *metrics)
{
    if (!metrics->routes_known)
        return;
    sample_labelled(out, name, metrics, "use", "used", metrics->facts.slots_used);
    sample_labelled(out, name, metrics, "use", "free", metrics->facts.slots - metrics->facts.slots_used);
}

/* A limit ends with the fetcher. */
static void limits(FILE *out, const char *name, const struct metrics *metrics)
{
    const struct facts *facts = &metrics->facts;
    const bool alive = facts->fetcher == FETCHER_IS_ALIVE;
    for (int i = REFUSING_NOTHING + 1; i <= REFUSING_SYSTEM; i++)
        sample_labelled(out, name, metrics, "limit", refusing_names[i], alive && (int)facts->refusing == i);
    sample_labelled(out, name, metrics, "limit", "host_records", alive && facts->hosts_full);
    sample_labelled(out, name, metrics, "limit", "results", alive && facts->counters[COUNTER_cells_reached]);
    sample_labelled(out, name, metrics, "limit", "requests_per_second",
                    alive && facts->counters[COUNTER_rate_reached]);
    sample_labelled(out, name, metrics, "limit", "directory",
                    alive && facts->counters[COUNTER_directory_reached]);
    sample_labelled(out, name, metrics, "limit", "replaced_objects",
                    alive && facts->counters[COUNTER_replaced_reached]);
}

const struct metrics_family metrics_memory[] = {
    {"larshm_object_bytes", FAMILY_GAUGE,
     "size of the objects in shared memory; replaced: those that programs still have open", object_bytes},
    {"larshm_object_limit_bytes", FAMILY_GAUGE, "what the routes object may grow to: max_bytes",
     object_limit},
    {"larshm_arena_bytes", FAMILY_GAUGE, "room for tables in the routes object, by use", arena_bytes},
    {"larshm_index_slots", FAMILY_GAUGE, "room for keys in the routes object, by use", slots},
    {"larshm_limit_reached", FAMILY_GAUGE, "1: this limit keeps something out now", limits},
    {0},
};
