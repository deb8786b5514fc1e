/* SPDX-License-Identifier: MIT */
#include "tools/dns/edit.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int compare_hosts(const void *one, const void *other)
{
    const struct host_addr *a = one, *b = other;
    return (host_addr_order(*a) > host_addr_order(*b)) - (host_addr_order(*a) < host_addr_order(*b));
}

size_t hosts_sort(struct host_addr *hosts, size_t count)
{
    size_t kept = 0;
    if (count > 0)
        qsort(hosts, count, sizeof(*hosts), compare_hosts);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || !host_addr_equal(hosts[i], hosts[kept - 1]))
            hosts[kept++] = hosts[i];
    return kept;
}

/* Never NULL for want of hosts. */
static struct host_addr *copy_hosts(const struct host_addr *hosts, size_t count)
{
    struct host_addr *copy = calloc(count + 1, sizeof(*copy));
    if (copy && count > 0)
        memcpy(copy, hosts, count * sizeof(*copy));
    return copy;
}

struct edited *edit_find(const struct edit *edit, struct route_key key)
{
    return map_get(&edit->routes, route_key_number(key));
}

static void edited_free(void *arg, void *value)
{
    struct edited *edited = value;
    (void)arg;
    free(edited->before.hosts);
    free(edited->now.hosts);
    free(edited);
}

struct edited *edit_put(struct edit *edit, struct route_key key, const struct host_addr *hosts, size_t count)
{
    struct edited *edited = calloc(1, sizeof(*edited));
    if (!edited)
        return NULL;
    *edited = (struct edited){
        .key = key, .before = {copy_hosts(hosts, count), count}, .now = {copy_hosts(hosts, count), count}};
    if (edited->before.hosts && edited->now.hosts &&
        map_put(&edit->routes, route_key_number(key), edited) == 0)
        return edited;
    edited_free(NULL, edited);
    return NULL;
}

/* Where the host is, or would go. */
static size_t place_of(const struct hosts *hosts, struct host_addr host)
{
    size_t low = 0, high = hosts->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (host_addr_order(hosts->hosts[middle]) < host_addr_order(host))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool has(const struct hosts *hosts, size_t place, struct host_addr host)
{
    return place < hosts->count && host_addr_equal(hosts->hosts[place], host);
}

int edited_add(struct edited *edited, struct host_addr host)
{
    struct hosts *now = &edited->now;
    size_t place = place_of(now, host);
    if (has(now, place, host))
        return 0;
    struct host_addr *grown = reallocarray(now->hosts, now->count + 1, sizeof(*grown));
    if (!grown)
        return -1;
    memmove(grown + place + 1, grown + place, (now->count - place) * sizeof(*grown));
    grown[place] = host;
    *now = (struct hosts){grown, now->count + 1};
    return 1;
}

int edited_delete(struct edited *edited, const struct host_addr *host)
{
    struct hosts *now = &edited->now;
    size_t place = host ? place_of(now, *host) : 0, gone = host ? has(now, place, *host) : now->count;
    now->count -= gone;
    memmove(now->hosts + place, now->hosts + place + gone, (now->count - place) * sizeof(*now->hosts));
    return (int)gone;
}

int edited_set(struct edited *edited, const struct host_addr *hosts, size_t count, int *deleted)
{
    struct hosts *now = &edited->now;
    size_t same = 0;
    struct host_addr *copy = copy_hosts(hosts, count);
    if (!copy)
        return -1;
    for (size_t i = 0; i < count; i++)
        same += has(now, place_of(now, hosts[i]), hosts[i]);
    *deleted = (int)(now->count - same);
    free(now->hosts);
    *now = (struct hosts){copy, count};
    return (int)(count - same);
}

void edit_clear(struct edit *edit)
{
    map_each(&edit->routes, edited_free, NULL);
    map_free(&edit->routes);
}

/* Whether the route changes, and how many rows that adds and deletes. */
static bool count_changes(const struct edited *edited, size_t *added, size_t *deleted)
{
    size_t same = 0;
    for (size_t i = 0; i < edited->now.count; i++)
        same += has(&edited->before, place_of(&edited->before, edited->now.hosts[i]), edited->now.hosts[i]);
    *added += edited->now.count - same;
    *deleted += edited->before.count - same;
    return same < edited->now.count || same < edited->before.count;
}

static void on_edited(void *arg, void *value)
{
    struct changes *changes = arg;
    const struct edited *edited = value;
    if (!count_changes(edited, &changes->added_count, &changes->deleted_count))
        return;
    changes->routes[changes->route_count++] = edited;
    changes->new_routes += edited->before.count == 0;
}

static int compare_routes(const void *one, const void *other)
{
    uint64_t a = route_key_number((*(const struct edited *const *)one)->key);
    uint64_t b = route_key_number((*(const struct edited *const *)other)->key);
    return (a > b) - (a < b);
}

/* The rows of `some` that `others` lack. Returns how many. */
static size_t missing_rows(struct route_key key, const struct hosts *some, const struct hosts *others,
                           struct row *out)
{
    size_t count = 0;
    for (size_t i = 0; i < some->count; i++)
        if (!has(others, place_of(others, some->hosts[i]), some->hosts[i]))
            out[count++] = (struct row){key, some->hosts[i]};
    return count;
}

int edit_changes(const struct edit *edit, struct changes *out)
{
    *out = (struct changes){.routes = calloc(edit->routes.count + 1, sizeof(struct edited *))};
    if (!out->routes)
        return -1;
    map_each(&edit->routes, on_edited, out);
    if (out->route_count > 0)
        qsort(out->routes, out->route_count, sizeof(struct edited *), compare_routes);
    out->added = calloc(out->added_count + 1, sizeof(*out->added));
    out->deleted = calloc(out->deleted_count + 1, sizeof(*out->deleted));
    if (!out->added || !out->deleted) {
        changes_free(out);
        return -1;
    }
    struct row *added = out->added, *deleted = out->deleted;
    for (size_t i = 0; i < out->route_count; i++) {
        const struct edited *route = out->routes[i];
        added += missing_rows(route->key, &route->now, &route->before, added);
        deleted += missing_rows(route->key, &route->before, &route->now, deleted);
    }
    return 0;
}

void changes_free(struct changes *changes)
{
    free(changes->routes);
    free(changes->added);
    free(changes->deleted);
    *changes = (struct changes){0};
}
