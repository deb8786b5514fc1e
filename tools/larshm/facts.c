/* SPDX-License-Identifier: MIT */
#include "tools/larshm/facts.h"

#include <stdio.h>

#include "shm/atomic.h"
#include "shm/clock.h"
#include "shm/directory_name.h"
#include "shm/region.h"
#include "tools/larshm/hosts.h"
#include "tools/larshm/text.h"

const char *const fetcher_life_names[FETCHER_LIVES] = {
    [FETCHER_IS_ALIVE] = "alive",
    [FETCHER_IS_SILENT] = "silent",
    [FETCHER_HAS_STOPPED] = "stopped",
};

const char *const connection_names[] = {
    [CONNECTION_NONE] = "none",
    [CONNECTION_CONNECTING] = "connecting",
    [CONNECTION_UP] = "up",
    [CONNECTION_WAITING] = "waiting",
};

const char *const refusing_names[] = {
    [REFUSING_NOTHING] = "nothing",         [REFUSING_MAX_BYTES] = "max_bytes",
    [REFUSING_MAX_UNKNOWN] = "max_unknown", [REFUSING_NO_SPACE] = "no_space",
    [REFUSING_MEMORY] = "memory_limit",     [REFUSING_SYSTEM] = "system",
};

const uint32_t age_bounds_s[AGE_BUCKETS - 1] = {1, 5, 15, 30, 60, 120, 300, 900, 3600, 86400};

const char hosts_full_text[] =
    "REFUSING results of hosts that have none yet: no room for their records, raise [shm] max_bytes";

static uint64_t since(uint64_t now, uint64_t tick)
{
    return now > tick ? now - tick : 0;
}

bool limit_reached(const struct facts *facts)
{
    return facts->refusing != REFUSING_NOTHING || facts->counters[COUNTER_rate_reached] ||
           facts->counters[COUNTER_directory_reached] || facts->counters[COUNTER_replaced_reached] ||
           facts->counters[COUNTER_cells_reached] || facts->hosts_full;
}

struct text limit_text(const struct facts *facts)
{
    struct text text;
    switch (facts->refusing) {
    case REFUSING_MAX_BYTES:
        return (struct text){"REFUSING new routes: max_bytes is reached, raise [shm] max_bytes"};
    case REFUSING_MAX_UNKNOWN:
        return (struct text){"REFUSING unknown keys: too many that do not exist are looked up; "
                             "find out which program does, or raise [shm] max_unknown"};
    case REFUSING_NO_SPACE:
        snprintf(text.is, sizeof(text.is),
                 "REFUSING new routes: shared memory (%.60s) has no room, or no inodes: free some",
                 region_directory());
        return text;
    case REFUSING_MEMORY:
        return (struct text){
            "REFUSING new routes: the memory limit of the fetcher's control group is reached: raise it"};
    case REFUSING_SYSTEM:
        return (struct text){"REFUSING new routes: the system refuses larger objects, see the fetcher's log"};
    default:
        if (facts->hosts_full)
            snprintf(text.is, sizeof(text.is), "%s", hosts_full_text);
        else if (facts->counters[COUNTER_cells_reached])
            return (struct text){
                "REFUSING results: no room for more of them in the control object, raise the limit "
                "that the fetcher's log names"};
        else if (facts->counters[COUNTER_replaced_reached])
            return (struct text){
                "WAITING to replace objects: programs hold too many replaced ones, see larshm(1)"};
        else if (facts->counters[COUNTER_rate_reached])
            return (struct text){"SLOW refreshes: too many routes are in use, "
                                 "raise [fetcher] requests_per_second or [loadbalance] update_timeout"};
        else if (facts->counters[COUNTER_directory_reached])
            return (struct text){"SLOW refreshes: the directory is too slow for the routes in use, "
                                 "raise [loadbalance] update_timeout"};
        else
            return (struct text){"none reached"};
        return text;
    }
}

enum fetcher_life fetcher_life(const struct routes_header *s_header, uint64_t now)
{
    if (load_relaxed(&s_header->fetcher_state) == FETCHER_STOPPED)
        return FETCHER_HAS_STOPPED;
    return since(now, load_relaxed(&s_header->tick)) < FETCHER_SILENT_MS ? FETCHER_IS_ALIVE
                                                                         : FETCHER_IS_SILENT;
}

static void read_fetcher(const struct routes_header *s_header, uint64_t now, struct facts *facts)
{
    facts->silent_ms = since(now, load_relaxed(&s_header->tick));
    facts->pid = load_relaxed(&s_header->fetcher_pid);
    facts->since_unix_ms = load_relaxed(&s_header->fetcher_since);
    facts->fetcher = fetcher_life(s_header, now);

    char directory[DIRECTORY_NAME];
    directory_name_read(s_header, directory);
    text_printable(directory, sizeof(facts->directory), facts->directory);
    uint32_t connection = load_relaxed(&s_header->connection);
    if (connection > CONNECTION_WAITING || facts->fetcher != FETCHER_IS_ALIVE)
        connection = CONNECTION_NONE; /* a fetcher that died had no time to say that its connections ended */
    facts->connection = (enum connection_state)connection;
    facts->data_version = load_relaxed(&s_header->data_version);
    char snapshot[SNAPSHOT_TEXT];
    memcpy(snapshot, s_header->snapshot, SNAPSHOT_TEXT);
    snapshot[SNAPSHOT_TEXT - 1] = '\0';
    text_printable(snapshot, sizeof(facts->snapshot), facts->snapshot);
    facts->snapshot_off = s_header->snapshot_off != 0;
    facts->written_unix_ms = load_relaxed(&s_header->snapshot_written);
    facts->connection_age_ms = facts->fetcher == FETCHER_IS_ALIVE
                                   ? since(now, load_relaxed(&s_header->connection_tick))
                                   : facts->silent_ms;
}

static void read_settings(const struct routes_header *s_header, struct facts *facts)
{
    facts->hosts_full = load_relaxed(&s_header->hosts_full) != 0;
    uint32_t refusing = load_relaxed(&s_header->refusing);
    facts->refusing = refusing <= REFUSING_SYSTEM ? (enum refusing)refusing : REFUSING_NOTHING;
    facts->max_bytes = load_relaxed(&s_header->max_bytes);
    facts->settings = settings_read(&s_header->settings);
    for (int i = 0; i < COUNTER_COUNT; i++)
        facts->counters[i] = load_relaxed(&s_header->counters[i]);
}

/* Counts the route, and keeps the first of its kind: they come in no order. */
static void count_kind(const struct route *route, uint64_t *count, struct route_key *first)
{
    if ((*count)++ == 0 || route_key_number(route->key) < route_key_number(*first))
        *first = route->key;
}

static void count_age(struct facts *facts, uint64_t age_ms)
{
    int bucket = 0;
    while (bucket < AGE_BUCKETS - 1 && age_ms > (uint64_t)age_bounds_s[bucket] * 1000)
        bucket++;
    facts->ages[bucket]++;
    facts->ages_ms += age_ms;
}

static int count_route(void *context, const struct route *route)
{
    struct facts *facts = context;
    facts->routes[route->condition]++;
    facts->slots_used++;
    facts->units_live += block_units(route->host_count);
    count_age(facts, route->age_ms);
    if (route->condition == ROUTE_IS_HELD)
        facts->held[route->hold_reason < HOLD_REASONS ? route->hold_reason : HOLD_NONE]++;
    if (route->host_count > 0 && route_count_out(route) == route->host_count)
        count_kind(route, &facts->without_host, &facts->first_without_host);
    if (route->snapshot_unix_ms) {
        facts->snapshot_unix_ms = route->snapshot_unix_ms;
        facts->restored++;
    }
    if (route->spared)
        count_kind(route, &facts->spared, &facts->first_spared);
    return 0;
}

void facts_read_header(const struct instance *instance, struct facts *out)
{
    const struct routes *routes = &instance->routes;
    struct facts facts = {
        .generation = routes->generation,
        .object_bytes = instance->region.size,
        .hosts_bytes = hosts_object_bytes(instance->name),
        .control_bytes = instance_control_bytes(instance),
        .slots = routes_slot_count(routes),
        .units = routes->arena_units,
    };
    read_fetcher(routes->s_header, clock_tick(), &facts);
    read_settings(routes->s_header, &facts);
    facts.may_not_request = !instance_may_request(instance);
    facts.uncollected_known = instance_lookups(instance, &facts.uncollected);
    *out = facts;
}

int facts_read(const struct instance *instance, struct facts *out)
{
    struct facts facts;
    facts_read_header(instance, &facts);
    if (route_walk_unsorted(&instance->routes, count_route, &facts, &facts.damaged) != 0)
        return -1;
    facts.slots_used += facts.damaged;
    facts.units_retired = facts.counters[COUNTER_units_retired];
    facts.units_free = since(facts.units, facts.units_live + facts.units_retired);
    *out = facts;
    return 0;
}

struct lookup_counts facts_lookups(const struct facts *facts)
{
    return (struct lookup_counts){
        .lookups = facts->counters[COUNTER_lookups] + facts->uncollected.lookups,
        .missed = facts->counters[COUNTER_lookups_missed] + facts->uncollected.missed,
        .expired = facts->counters[COUNTER_lookups_expired] + facts->uncollected.expired,
    };
}
