/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_LARSHM_METRICS_HEALTH_H
#define TOOLS_LARSHM_METRICS_HEALTH_H

#include "tools/larshm/metrics_collect.h"

/*
 * What `larshm health` says of each instance, behind its name. The caller frees it; NULL: no memory. *healthy: there is an
 * instance, and nothing is wrong with any.
 */
char *metrics_health(const struct metrics_set *set, size_t *length, bool *healthy);

#endif
