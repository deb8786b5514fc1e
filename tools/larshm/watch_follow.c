/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "shm/atomic.h"
#include "shm/clock.h"
#include "tools/larshm/watch.h"

static uint64_t slot_version(const struct routes *routes, uint32_t slot)
{
    return ref_version(load_acquire(&routes_slot(routes, slot)->ref));
}

enum shm_status follower_open(const char *instance, struct follower *out)
{
    struct follower follower = {0};
    enum shm_status status = instance_open(instance, &follower.at);
    if (status != SHM_OK)
        return status;
    const struct routes *routes = &follower.at.routes;
    follower.hosts = malloc(HOSTS_MAX * sizeof(*follower.hosts));
    follower.seen = malloc(routes_slot_count(routes) * sizeof(*follower.seen));
    if (!follower.hosts || !follower.seen) {
        follower_close(&follower);
        errno = ENOMEM;
        return SHM_SYSTEM_ERROR;
    }
    for (uint32_t slot = 0; slot < routes_slot_count(routes); slot++)
        follower.seen[slot] = slot_version(routes, slot);
    *out = follower;
    return SHM_OK;
}

void follower_close(struct follower *follower)
{
    instance_close(&follower->at);
    free(follower->hosts);
    free(follower->seen);
}

struct change {
    uint64_t version;
    struct route_key key;
    uint32_t slot;
};

static int by_version(const void *left, const void *right)
{
    const struct change *a = left, *b = right;
    return (a->version > b->version) - (a->version < b->version);
}

/* Finds the slots that have changed. *changes is the caller's to free, whatever is returned: 0, or -1 for memory. */
static int find_changes(const struct follower *follower, struct change **changes, uint32_t *count)
{
    const struct routes *routes = &follower->at.routes;
    uint32_t capacity = 0;
    for (uint32_t slot = 0; slot < routes_slot_count(routes); slot++) {
        /* The key first: once it is there, so is its ref. */
        uint64_t word = load_acquire(&routes_slot(routes, slot)->key);
        uint64_t version = word ? slot_version(routes, slot) : 0;
        if (version <= follower->seen[slot])
            continue;
        if (*count == capacity) {
            capacity = capacity ? capacity * 2 : 64;
            struct change *larger = realloc(*changes, capacity * sizeof(**changes));
            if (!larger)
                return -1;
            *changes = larger;
        }
        (*changes)[(*count)++] = (struct change){version, route_key_from_word(word), slot};
    }
    return 0;
}

int follower_report(struct follower *follower, route_fn *each, void *context)
{
    struct change *changes = NULL;
    uint32_t count = 0;
    int result = find_changes(follower, &changes, &count);
    if (count)
        qsort(changes, count, sizeof(*changes), by_version);
    for (uint32_t i = 0; result == 0 && i < count; i++) {
        struct route route = {.hosts = follower->hosts};
        uint32_t slot = changes[i].slot;
        follower->seen[slot] = changes[i].version; /* a damaged table is skipped once, not at every call */
        if (route_read(&follower->at.routes, slot, changes[i].key, clock_tick(), &route) != SHM_OK)
            continue;
        follower->seen[slot] = route.version;
        result = each(context, &route);
    }
    free(changes);
    return result;
}

static uint64_t latest(const struct follower *follower)
{
    uint64_t version = 0;
    for (uint32_t slot = 0; slot < routes_slot_count(&follower->at.routes); slot++)
        if (follower->seen[slot] > version)
            version = follower->seen[slot];
    return version;
}

bool follower_switch(struct follower *follower)
{
    struct follower next;
    if (follower_open(follower->at.name, &next) != SHM_OK)
        return false;
    if (next.at.routes.generation == follower->at.routes.generation) {
        follower_close(&next);
        return false;
    }
    /* Tables keep their versions from one generation to the next. If fewer have been drawn than we have seen, the
     * counter was reset, and so is what we have seen. */
    uint64_t floor = latest(follower);
    if (load_relaxed(&next.at.routes.s_header->version) < floor)
        floor = 0;
    for (uint32_t slot = 0; slot < routes_slot_count(&next.at.routes); slot++)
        next.seen[slot] = floor;
    follower_close(follower);
    *follower = next;
    return true;
}
