/* SPDX-License-Identifier: MIT */
/*
 * Judges hosts by what their calls tell, after the rules of Lars. Pure functions on a health: `now` is the
 * fetcher's tick, and the configuration may be another one at each call.
 *
 * A batch is judged as a whole: all of its calls are counted first, in whatever order they came. For a batch of one
 * call that is Lars' own masks. A streak is never lost: it judges by its length, wherever in the batch it ended.
 */
#ifndef FETCHER_HEALTH_H
#define FETCHER_HEALTH_H

#include <stdint.h>

#include "conf/config.h"
#include "shm/host_health.h"

/* After HEALTH_AFRESH and HEALTH_TURNED the caller begins the host's runs anew too: streaks end with the counts. */
enum health_change {
    HEALTH_SAME,
    HEALTH_AFRESH, /* a window ended: state as before, counts as at its begin */
    HEALTH_TURNED, /* from idle to overloaded or back */
};

/* A host that nothing is known of: idle, credited with init_succ_cnt. Leaves totals and hold as they are. */
void health_birth(struct host_health *health, const struct config *config, uint64_t now);

/*
 * Adds a batch of any content: counts stay at their largest value rather than wrap. contin_succ and contin_err
 * become the longest runs in the batch, 0 where calls of the other kind only came.
 */
enum health_change health_apply(struct host_health *health, const struct call_batch *batch,
                                const struct config *config, uint64_t now);

/*
 * An idle host is called again after a while in which nobody did and health_time() was not asked: its window begins
 * with that call. A bad window before is forgotten if two more could have passed in the meantime.
 */
void health_begin_window(struct host_health *health, const struct config *config, uint64_t now);

/* Ends the window of an idle host, and lets an overloaded one in again, when it is time. */
enum health_change health_time(struct host_health *health, const struct config *config, uint64_t now);

/* The tick from which on health_time() has something to do; before that it changes nothing. */
uint64_t health_deadline(const struct host_health *health, const struct config *config);

#endif
