/* SPDX-License-Identifier: MIT */
/* The health of a host, in words. */
#ifndef TOOLS_LARSHM_HOST_HEALTH_H
#define TOOLS_LARSHM_HOST_HEALTH_H

#include <stdbool.h>

#include "shm/layout.h"
#include "tools/common/tint.h"
#include "tools/larshm/hosts.h"
#include "tools/larshm/route.h"

/* As JSON has them: "idle", "overloaded"; "none", "pinned", "drained"; "birth", "err_rate", "err_streak", "window",
 * "succ_rate", "succ_streak", "timeout", "good_window". */
extern const char *const health_states[];
extern const char *const health_overrides[];
extern const char *const health_reasons[REASONS];

/* When the host got its state; when its ejection ends, 0 if it is in rotation. */
uint64_t health_since_unix_ms(const struct host_health *health);
uint64_t health_until_unix_ms(const struct host_health *health);

/*
 * "overloaded since 12:03:07: 14 % failures > 10 %". `share`: what readers see, enum host_share; the text says what the rest
 * does not imply of it.
 */
struct text health_text(const struct host_health *health, uint32_t share);

/* Trouble: ejected; a warning: an operator's override, or spared. */
enum tint health_tint(const struct host_health *health, uint32_t share);

/* True if calls to one of the route's hosts have been reported, or one is out of rotation. */
bool health_is_known(const struct route *route, const struct known_hosts *known);

/* A line for each host of the route, under a header, each behind `indent`; the caller frees it. NULL: no memory. */
char *health_table(const struct route *route, const struct known_hosts *known, const char *indent);

#endif
