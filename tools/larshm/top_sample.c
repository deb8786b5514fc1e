/* SPDX-License-Identifier: MIT */
#include "tools/larshm/top_sample.h"

#include <stdlib.h>
#include <string.h>

#include "shm/atomic.h"
#include "shm/clock.h"
#include "shm/index.h"
#include "shm/saturating.h"

enum {
    HOSTS_PAUSE = 9 /* times as long as it took to read the hosts, they are not read again */
};

int top_reader_init(struct top_reader *reader, const char *name)
{
    *reader = (struct top_reader){.name = name, .route.hosts = malloc(HOSTS_MAX * sizeof(struct host_addr))};
    return reader->route.hosts ? 0 : -1;
}

void top_reader_close(struct top_reader *reader)
{
    if (reader->open)
        instance_close(&reader->instance);
    free(reader->route.hosts);
}

/* To the object that has the name now. A new generation begins with the list of the one before, which is no newer for that. */
static enum shm_status follow(struct top_reader *reader)
{
    struct instance next;
    if (reader->open && !instance_renamed(&reader->instance))
        return SHM_OK;
    enum shm_status status = instance_open(reader->name, &next);
    if (reader->open)
        instance_close(&reader->instance);
    if (status != SHM_OK)
        reader->uses = (struct top_uses){0};
    else {
        if (reader->open)
            reader->uses.change = load_relaxed(&next.routes.s_header->top_changes);
        reader->instance = next;
    }
    reader->open = status == SHM_OK;
    return status;
}

void top_reader_look(struct top_reader *reader)
{
    if (!reader->open)
        return;
    const struct routes_header *s_header = reader->instance.routes.s_header;
    uint64_t change = load_relaxed(&s_header->top_changes);
    if (change == reader->uses.change)
        return;
    reader->uses.change = change;
    reader->uses.tick = clock_tick();
    reader->uses.count = top_routes_read(s_header, reader->uses.routes);
}

/* False: it is not cached, or damaged. */
static bool read_route(struct top_reader *reader, struct route_key key)
{
    const struct routes *routes = &reader->instance.routes;
    uint32_t slot = index_find(routes, key);
    return slot != SLOT_NONE && route_read(routes, slot, key, clock_tick(), &reader->route) == SHM_OK;
}

static void read_routes(struct top_reader *reader, struct top_sample *sample)
{
    for (size_t i = 0; i < sample->uses.count; i++) {
        struct top_route *out = &sample->routes[i];
        const struct route *route = &reader->route;
        *out = (struct top_route){.cached = read_route(reader, sample->uses.routes[i].key)};
        if (!out->cached)
            continue;
        out->condition = route->condition;
        out->hosts = route->host_count;
        out->out = route_count_out(route);
        out->age_ms = route->age_ms;
    }
}

static int by_key(const void *left, const void *right)
{
    const struct top_results *a = left, *b = right;
    uint64_t here = route_key_number(a->key), there = route_key_number(b->key);
    return (here > there) - (here < there);
}

static void add_results(struct top_results *sum, const struct host_health *health)
{
    sum->succ = saturating_add(sum->succ, health->total_succ);
    sum->err = saturating_add(sum->err, health->total_err);
}

static bool is_notable(const struct host_entry *entry)
{
    const struct host_health *health = &entry->health;
    return entry->left_s == 0 && (health->state == HOST_EJECTED || health->override != OVERRIDE_NONE ||
                                  host_health_is_spared(health));
}

/* Where there is not room for all, an ejected one has the place of another. NULL: there is none. */
static struct known_host *place_for(struct top_hosts *hosts, const struct host_health *health)
{
    if (hosts->notable++ < TOP_HOSTS)
        return &hosts->listed[hosts->listed_count++];
    for (size_t i = 0; health->state == HOST_EJECTED && i < TOP_HOSTS; i++)
        if (hosts->listed[i].health.state != HOST_EJECTED)
            return &hosts->listed[i];
    return NULL;
}

static void add_host(struct top_hosts *hosts, struct route_key key, struct host_addr host,
                     const struct host_entry *entry)
{
    const struct top_results wanted = {.key = key};
    struct top_results *of = bsearch(&wanted, hosts->of, hosts->of_count, sizeof(*hosts->of), by_key);
    add_results(&hosts->all, &entry->health);
    if (of)
        add_results(of, &entry->health);
    if (host_addr_is_none(host) || !is_notable(entry))
        return;
    const struct known_host known = {key, host, known_health(entry->health)};
    struct known_host *place = place_for(hosts, &known.health);
    if (place)
        *place = known;
}

/* Ejected first, then by route and host. */
static int in_order(const void *left, const void *right)
{
    const struct known_host *a = left, *b = right;
    if (a->health.state != b->health.state)
        return a->health.state == HOST_EJECTED ? -1 : 1;
    return known_host_order(a, b);
}

/* What programs see of them. */
static void read_shares(struct top_reader *reader)
{
    struct top_hosts *hosts = &reader->hosts;
    for (size_t i = 0; i < hosts->listed_count; i++) {
        const struct known_host *listed = &hosts->listed[i];
        uint32_t at = 0;
        bool found = read_route(reader, listed->key);
        if (found)
            at = route_find_host(&reader->route, listed->host);
        hosts->shares[i] =
            found && at < reader->route.host_count ? route_host_share(&reader->route, at) : SHARE_FULL;
    }
}

static void read_hosts(struct top_reader *reader)
{
    struct top_hosts *hosts = &reader->hosts;
    struct region region;
    struct host_records records;
    uint64_t begun = clock_tick();
    *hosts = (struct top_hosts){.tick = begun, .of_count = reader->uses.count};
    for (size_t i = 0; i < hosts->of_count; i++)
        hosts->of[i].key = reader->uses.routes[i].key;
    qsort(hosts->of, hosts->of_count, sizeof(*hosts->of), by_key);
    hosts->status = hosts_open(reader->name, &region, &records);
    if (hosts->status == SHM_OK) {
        for (uint32_t number = 0, used = host_records_used(&records); number < used; number++) {
            struct route_key key;
            struct host_addr host;
            struct host_entry entry;
            if (host_records_read(&records, number, &key, &host, &entry))
                add_host(hosts, key, host, &entry);
        }
        region_close(&region);
        qsort(hosts->listed, hosts->listed_count, sizeof(*hosts->listed), in_order);
        read_shares(reader);
    }
    uint64_t ended = clock_tick();
    reader->hosts_due = ended + HOSTS_PAUSE * (ended - begun);
}

void top_reader_sample(struct top_reader *reader, struct top_sample *out)
{
    out->status = follow(reader);
    top_reader_look(reader);
    out->tick = clock_tick();
    out->unix_ms = clock_unix_ms();
    if (out->status != SHM_OK)
        return;
    facts_read_header(&reader->instance, &out->facts);
    out->uses = reader->uses;
    read_routes(reader, out);
    if (out->tick >= reader->hosts_due)
        read_hosts(reader);
    out->hosts = reader->hosts;
}
