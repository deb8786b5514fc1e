/* SPDX-License-Identifier: MIT */
#include "reader/change_watch.h"

#include "reader/lookup.h"
#include "reader/mapping.h"
#include "reader/silence.h"
#include "shm/changes.h"
#include "shm/doorbell.h"

/* How long to sleep where no doorbell rings. */
enum {
    LOOK_MS = 60 * 1000,   /* beside a fetcher that is alive: it may die */
    CUT_OFF_LOOK_MS = 1000 /* while newer objects cannot be opened */
};

void change_watch_begin(larshm *h, struct change_watch *out)
{
    struct mapping *mapping = lookup_enter(h);
    mapping_pin(mapping);
    /* The bell first: a ring after that keeps doorbell_wait() from sleeping. */
    uint32_t bell = doorbell_count(&mapping->routes);
    *out = (struct change_watch){mapping, changes_count(&mapping->routes), bell};
    lookup_end();
}

/* The object of a dead fetcher can lose its name without a sign: only then is this less than a minute. */
static uint64_t look_ms(struct mapping *mapping)
{
    if (load_relaxed(&mapping->routes.s_header->superseded) != SUPERSEDED_NO)
        return CUT_OFF_LOOK_MS;
    return silence_ms(mapping) > SILENT_MS ? SILENT_MS : LOOK_MS;
}

void change_watch_sleep(larshm *h, const struct change_watch *watch, uint32_t own, uint64_t most_ms)
{
    uint64_t ms = look_ms(watch->mapping);
    doorbell_wait(&watch->mapping->routes, watch->bell, DOORBELL_CHANGES | own,
                  (uint32_t)(most_ms < ms ? most_ms : ms));
    if (silence_ms(watch->mapping) > SILENT_MS)
        mapping_renew(h);
}

void change_watch_end(larshm *h, const struct change_watch *watch)
{
    mapping_unpin(h, watch->mapping);
}
