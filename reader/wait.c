/* SPDX-License-Identifier: MIT */
#include "reader/lookup.h"
#include "reader/mapping.h"
#include "shm/clock.h"
#include "shm/doorbell.h"
#include "shm/knock.h"

enum {
    /* A waiting thread repeats its demand this often: the first may have been lost with the fetcher that collected it. */
    SLICE_MS = 100,
    /* And knocks again: for a program that waits, the fetcher does not wait to reconnect. */
    KNOCK_MS = 1000,
};

/* Another lookup may end better. A process that is cut off may reach its fetcher again. */
static bool may_change(int code)
{
    return code == LARSHM_PENDING || code == LARSHM_FULL || code == LARSHM_CUT_OFF;
}

/* "No such route", but expired, or requested just now: wait for a newer answer. */
static bool outdated(const struct lookup *lookup)
{
    return load_relaxed(&lookup->mapping->routes.s_header->tick) >
               (lookup->table.expires & ~EXPIRES_PULLING) ||
           lookup->table.expires & EXPIRES_PULLING;
}

static int look_once(larshm *h, uint32_t modid, uint32_t cmdid, struct lookup *lookup)
{
    struct route_key key = route_key(modid, cmdid);
    int code = lookup_begin(h, key, lookup);
    return code == LARSHM_NOEXIST && !route_key_is_none(key) && outdated(lookup) ? LARSHM_PENDING : code;
}

/* One lookup. If the route is not cached, the mapping stays pinned for the sleep; `wake`: the fetcher, for it. */
static int look(larshm *h, uint32_t modid, uint32_t cmdid, bool wake, struct mapping **pinned, uint32_t *bell)
{
    struct lookup lookup;
    int code = look_once(h, modid, cmdid, &lookup);
    *pinned = NULL;
    if (may_change(code)) {
        *pinned = lookup.mapping;
        mapping_pin(lookup.mapping);
        /* The bell first, then another lookup: a ring in between is not missed. */
        *bell = doorbell_count(&lookup.mapping->routes);
        lookup_end();
        code = look_once(h, modid, cmdid, &lookup);
        if (wake && may_change(code) && lookup_has_control(lookup.mapping))
            knock(&lookup.mapping->control.s_header->knock);
    }
    lookup_end();
    return code;
}

int larshm_wait_route(larshm *h, uint32_t modid, uint32_t cmdid, int timeout_ms)
{
    uint64_t start = clock_tick(), waited = 0, knock_at = 0;
    for (;;) {
        struct mapping *mapping;
        uint32_t bell = 0;
        bool wake = timeout_ms != 0 && waited >= knock_at;
        int code = look(h, modid, cmdid, wake, &mapping, &bell);
        bool waiting = may_change(code);
        uint64_t left = SLICE_MS;
        waited = clock_tick() - start;
        if (wake)
            knock_at = waited + KNOCK_MS;
        if (waiting && timeout_ms >= 0) {
            if (waited >= (uint64_t)timeout_ms) {
                waiting = false;
                code = code == LARSHM_PENDING ? LARSHM_TIMEOUT : code;
            } else if ((uint64_t)timeout_ms - waited < left) {
                left = (uint64_t)timeout_ms - waited;
            }
        }
        if (waiting)
            doorbell_wait(&mapping->routes, bell, DOORBELL_ANSWERS, (uint32_t)left);
        if (mapping)
            mapping_unpin(h, mapping);
        if (!waiting)
            return code;
    }
}
