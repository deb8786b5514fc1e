/* SPDX-License-Identifier: MIT */
#include "tools/larshm/hosts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shm/names.h"
#include "tools/larshm/instance.h"
#include "tools/larshm/say.h"

int known_host_order(const void *left, const void *right)
{
    const struct known_host *a = left, *b = right;
    uint64_t here = route_key_number(a->key), there = route_key_number(b->key);
    if (here == there) {
        here = host_addr_order(a->host);
        there = host_addr_order(b->host);
    }
    return (here > there) - (here < there);
}

static bool in_range(struct route_key key, struct key_range range)
{
    return route_key_number(key) >= route_key_number(range.first) &&
           route_key_number(key) <= route_key_number(range.last);
}

struct host_health known_health(struct host_health health)
{
    if (health.state > HOST_EJECTED)
        health.state = HOST_IN_ROTATION;
    if (health.override > OVERRIDE_DRAINED)
        health.override = OVERRIDE_NONE;
    if (health.reason >= REASONS)
        health.reason = REASON_BIRTH;
    return health;
}

enum shm_status known_hosts_copy(const struct host_records *hosts, struct key_range range,
                                 struct known_hosts *out)
{
    struct known_hosts known = {.readable = true};
    size_t capacity = 0;
    for (uint32_t number = 0, used = host_records_used(hosts); number < used; number++) {
        struct known_host found;
        struct host_entry entry;
        if (!host_records_read(hosts, number, &found.key, &found.host, &entry) || !in_range(found.key, range))
            continue;
        found.health = known_health(entry.health);
        if (known.count == capacity) {
            capacity = capacity ? 2 * capacity : 64;
            struct known_host *larger = realloc(known.entries, capacity * sizeof(*larger));
            if (!larger) {
                known_hosts_free(&known);
                return SHM_SYSTEM_ERROR;
            }
            known.entries = larger;
        }
        known.entries[known.count++] = found;
    }
    if (known.count)
        qsort(known.entries, known.count, sizeof(*known.entries), known_host_order);
    *out = known;
    return SHM_OK;
}

enum shm_status hosts_open(const char *instance, struct region *region, struct host_records *hosts)
{
    struct object_names names;
    const struct trust trust = instance_trust(0022);
    enum shm_status status = instance_names(instance, &names);
    if (status == SHM_OK)
        status = region_open(names.hosts, false, &trust, HEADER_BYTES, region);
    if (status != SHM_OK)
        return status;
    status = host_records_attach(region, hosts);
    if (status != SHM_OK)
        region_close(region);
    return status;
}

enum shm_status known_hosts_read(const char *instance, struct key_range range, struct known_hosts *out)
{
    struct region region;
    struct host_records hosts;
    enum shm_status status = hosts_open(instance, &region, &hosts);
    if (status != SHM_OK)
        return status;
    status = known_hosts_copy(&hosts, range, out);
    region_close(&region);
    return status;
}

const char *const host_group_names[HOST_GROUPS] = {
    [HOSTS_IN_ROTATION] = "in_rotation", [HOSTS_SPARED] = "spared", [HOSTS_EJECTED] = "ejected",
    [HOSTS_DRAINED] = "drained",         [HOSTS_OTHER] = "other",
};

static enum host_group group_of(struct host_addr host, const struct host_entry *entry)
{
    const struct host_health health = known_health(entry->health);
    if (host_addr_is_none(host) || entry->left_s)
        return HOSTS_OTHER;
    if (health.override != OVERRIDE_NONE)
        return health.override == OVERRIDE_DRAINED ? HOSTS_DRAINED : HOSTS_IN_ROTATION;
    if (health.state == HOST_EJECTED)
        return HOSTS_EJECTED;
    return host_health_is_spared(&health) ? HOSTS_SPARED : HOSTS_IN_ROTATION;
}

bool hosts_sum(const char *instance, struct host_sums out[static HOST_GROUPS])
{
    struct region region;
    struct host_records hosts;
    memset(out, 0, HOST_GROUPS * sizeof(*out));
    if (hosts_open(instance, &region, &hosts) != SHM_OK)
        return false;
    for (uint32_t number = 0, used = host_records_used(&hosts); number < used; number++) {
        struct route_key key;
        struct host_addr host;
        struct host_entry entry;
        if (!host_records_read(&hosts, number, &key, &host, &entry))
            continue;
        struct host_sums *sums = &out[group_of(host, &entry)];
        sums->hosts++;
        sums->successes += entry.health.total_succ;
        sums->failures += entry.health.total_err;
    }
    region_close(&region);
    return true;
}

const char *hosts_fault(enum shm_status status)
{
    switch (status) {
    case SHM_NO_OBJECT:
        return "there is none";
    case SHM_NO_PERMISSION:
        return "this user may not open it";
    case SHM_FOREIGN:
        return "it belongs to a user who is not trusted";
    case SHM_UNSAFE:
        return "it can be written by others";
    case SHM_SHORT:
        return "it is truncated";
    case SHM_NOT_LARSHM:
        return "it is not a hosts object";
    case SHM_LAYOUT:
        return "it has another layout";
    case SHM_CORRUPT:
        return "it is damaged";
    default:
        return strerror(errno);
    }
}

struct known_hosts known_hosts_or_none(const char *instance, struct key_range range)
{
    struct known_hosts known = {0};
    enum shm_status status = known_hosts_read(instance, range, &known);
    if (status != SHM_OK && status != SHM_NO_OBJECT)
        say("/larshm.%s.hosts cannot be used, %s: hosts are shown without their history; "
            "restart larshm-fetcher, which recreates it",
            instance, hosts_fault(status));
    return known;
}

void known_hosts_free(struct known_hosts *known)
{
    free(known->entries);
    *known = (struct known_hosts){0};
}

/* The first entry that does not come before (key, host). */
static size_t lower_bound(const struct known_hosts *known, const struct known_host *wanted)
{
    size_t low = 0, high = known->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (known_host_order(&known->entries[middle], wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct known_host *known_hosts_of(const struct known_hosts *known, struct route_key key, size_t *count)
{
    const struct known_host own = {.key = key};
    size_t first = lower_bound(known, &own), end = first;
    while (end < known->count && route_key_equal(known->entries[end].key, key))
        end++;
    *count = end - first;
    return *count ? &known->entries[first] : NULL;
}

const struct host_health *known_hosts_find(const struct known_hosts *known, struct route_key key,
                                           struct host_addr host)
{
    const struct known_host wanted = {.key = key, .host = host};
    size_t at = lower_bound(known, &wanted);
    if (at == known->count || known_host_order(&known->entries[at], &wanted) != 0)
        return NULL;
    return &known->entries[at].health;
}

uint64_t hosts_object_bytes(const char *instance)
{
    struct region region;
    struct host_records hosts;
    if (hosts_open(instance, &region, &hosts) != SHM_OK)
        return 0;
    uint64_t bytes = region.size;
    region_close(&region);
    return bytes;
}
