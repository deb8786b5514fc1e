/* SPDX-License-Identifier: MIT */
/* One look at how much has changed, and one sleep until more has: shared by those who wait for changes. */
#ifndef READER_CHANGE_WATCH_H
#define READER_CHANGE_WATCH_H

#include "reader/state.h"

/* Of the generation that was the newest at the look. */
struct change_watch {
    struct mapping *mapping; /* pinned */
    uint64_t count;
    uint32_t bell;
};

void change_watch_begin(larshm *h, struct change_watch *out);

/*
 * Sleeps until something has changed since the look, another generation has the name, or the doorbell is woken for one of the
 * bits `own`; for most_ms at the most, and less: look again. Seldom enough to cost nothing it looks for an object that the name
 * leads to and no doorbell tells of.
 */
void change_watch_sleep(larshm *h, const struct change_watch *watch, uint32_t own, uint64_t most_ms);

void change_watch_end(larshm *h, const struct change_watch *watch);

#endif
