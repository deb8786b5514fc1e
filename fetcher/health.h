/* SPDX-License-Identifier: MIT */
/*
 * Judges hosts by their call results, by the rules of Lars or those made of them: [loadbalance] rules. Pure functions on
 * a struct host_health: `now` is the fetcher's tick, and the configuration may differ from call to call.
 *
 * A batch is judged as a whole: all of its calls are counted first, in whatever order they came. For a batch of one
 * call the result is that of Lars. A streak is never lost: its length counts, wherever in the batch it ended.
 */
#ifndef FETCHER_HEALTH_H
#define FETCHER_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/config.h"
#include "shm/layout.h"
#include "shm/writer/call_batch.h"

/* After HEALTH_RESET and HEALTH_CHANGED the caller resets the host's runs too: streaks end with the counts. */
enum health_change {
    HEALTH_SAME,
    HEALTH_RESET,   /* a window ended: same state, counts as at the window's begin */
    HEALTH_CHANGED, /* ejected, or back in rotation */
};

/* The health of a new host: in rotation, credited with init_succ_cnt. Leaves totals and override as they are. */
void health_init(struct host_health *health, const struct config *config, uint64_t now);

/*
 * Adds a batch of any content; counts saturate. contin_succ and contin_err become the longest runs in the batch, 0 where
 * it has only calls of the other kind.
 */
enum health_change health_apply(struct host_health *health, const struct call_batch *batch,
                                const struct config *config, uint64_t now);

/* A host in rotation is called after a while without calls, in which health_time() did not run: its window begins with
 * that call. That of Lars' rules has begun with the end of the last one. */
void health_begin_window(struct host_health *health, const struct config *config, uint64_t now);

/* When it is time: ends the window of a host in rotation, and puts an ejected one back in rotation. By Lars' rules
 * windows end in health_apply(): with the first call after them, which counts in them. */
enum health_change health_time(struct host_health *health, const struct config *config, uint64_t now);

/*
 * Puts an ejected host back in rotation, because too many of its route are out; its reason says what it was ejected for.
 * That ejection does not count: other hosts have ended it, or no program has seen it.
 */
void health_spare(struct host_health *health, const struct config *config, uint64_t now);

/*
 * How long an ejection lasts at most. The first one lasts overload_timeout, the second in a row twice as long, and so on.
 * One is forgotten for each overload_timeout in rotation.
 */
uint32_t health_longest_ejection_s(const struct config *config);

/* True if it is ejected, or ejections of it are not forgotten yet. */
bool health_is_worth_remembering(const struct host_health *health, const struct config *config, uint64_t now);

/* The host has left its route: its counts end, its state and its ejections stay. */
void health_leave(struct host_health *health, const struct config *config, uint64_t now);

/* The configuration has changed, or `since` has, or the record is a previous fetcher's: sets the end of an ejection. */
void health_set_end(struct host_health *health, const struct config *config);

/* In rotation, and was ejected before that. */
bool health_is_back(const struct host_health *health);

/*
 * What the host gets of its even share of picks, but for an operator's override: enum host_share. One that is back from an
 * ejection gets an eighth, and one more after each seventh of slow_start.
 */
uint32_t health_share(const struct host_health *health, const struct config *config, uint64_t now);

/* The tick at which that grows; UINT64_MAX: it does not. */
uint64_t health_share_grows(const struct host_health *health, const struct config *config, uint64_t now);

/* The tick from which on health_time() has something to do; before that it changes nothing. UINT64_MAX: never. */
uint64_t health_deadline(const struct host_health *health, const struct config *config);

#endif
