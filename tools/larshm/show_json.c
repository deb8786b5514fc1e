/* SPDX-License-Identifier: MIT */
#include "tools/larshm/json.h"
#include "tools/larshm/show.h"

static json_t *fetcher(const struct facts *facts)
{
    return json_pack("{s:b, s:s, s:I, s:I, s:I}", "alive", facts->fetcher == FETCHER_IS_ALIVE, "state",
                     fetcher_life_names[facts->fetcher], "pid", (json_int_t)facts->pid, "since_unix_ms",
                     json_number(facts->since_unix_ms), "silent_ms", json_number(facts->silent_ms));
}

static json_t *directory(const struct facts *facts)
{
    return json_pack("{s:s, s:s, s:I}", "address", facts->directory, "connection",
                     connection_names[facts->connection], "connection_age_ms",
                     json_number(facts->connection_age_ms));
}

/* Adds a number; the object becomes NULL when memory runs out. */
static void add(json_t **object, const char *name, uint64_t value)
{
    if (json_object_set_new(*object, name, json_integer(json_number(value))) == 0)
        return;
    json_decref(*object);
    *object = NULL;
}

static json_t *routes(const struct facts *facts)
{
    json_t *object = json_object();
    for (int i = 0; i < ROUTE_CONDITIONS; i++)
        add(&object, route_condition_names[i], facts->routes[i]);
    add(&object, "damaged", facts->damaged);
    add(&object, "from_snapshot", facts->restored);
    add(&object, "snapshot_unix_ms", facts->snapshot_unix_ms);
    return object;
}

static json_t *snapshot(const struct facts *facts)
{
    const char *said = *facts->snapshot ? facts->snapshot : NULL;
    return json_pack("{s:s?, s:s?, s:I}", "path", facts->snapshot_off ? NULL : said, "none_because",
                     facts->snapshot_off ? said : NULL, "written_unix_ms",
                     json_number(facts->written_unix_ms));
}

static json_t *index_of(const struct facts *facts)
{
    return json_pack("{s:I, s:I}", "slots", json_number(facts->slots), "slots_used",
                     json_number(facts->slots_used));
}

static json_t *arena(const struct facts *facts)
{
    return json_pack("{s:I, s:I, s:I, s:I}", "bytes", json_number(facts->units * UNIT_BYTES), "live_bytes",
                     json_number(facts->units_live * UNIT_BYTES), "retired_bytes",
                     json_number(facts->units_retired * UNIT_BYTES), "free_bytes",
                     json_number(facts->units_free * UNIT_BYTES));
}

static json_t *settings(const struct facts *facts)
{
    json_t *object = json_pack("{s:I}", "max_bytes", json_number(facts->max_bytes));
#define X(name) json_object_set_new(object, #name, json_integer(facts->settings.name));
    SHM_SETTINGS(X)
#undef X
    return object;
}

static json_t *lookups(const struct facts *facts)
{
    struct lookup_counts sum = facts_lookups(facts);
    return json_pack("{s:I, s:I, s:I, s:b}", "total", json_number(sum.lookups), "missed",
                     json_number(sum.missed), "expired", json_number(sum.expired), "untaken_included",
                     facts->uncollected_known);
}

static json_t *counters(const struct facts *facts)
{
    json_t *object = json_object();
    for (int i = 0; i < COUNTER_COUNT; i++)
        add(&object, shm_counter_texts[i].name, facts->counters[i]);
    return object;
}

int show_json(const struct instance *instance, const struct facts *facts)
{
    return json_print(json_pack(
        "{s:i, s:s, s:s, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o}", "version",
        JSON_VERSION, "instance", instance->name, "object", instance->names.routes, "generation",
        json_number(facts->generation), "object_bytes", json_number(facts->object_bytes),
        "hosts_object_bytes", json_number(facts->hosts_bytes), "fetcher", fetcher(facts), "directory",
        directory(facts), "routes", routes(facts), "snapshot", snapshot(facts), "index", index_of(facts),
        "arena", arena(facts), "refusing", refusing_names[facts->refusing], "settings", settings(facts),
        "lookups", lookups(facts), "counters", counters(facts)));
}
