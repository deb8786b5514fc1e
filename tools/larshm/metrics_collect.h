/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_LARSHM_METRICS_COLLECT_H
#define TOOLS_LARSHM_METRICS_COLLECT_H

#include "tools/larshm/metrics_read.h"

/*
 * The page of one instance, or of all. The caller frees it; NULL, with errno: there is none. *status: of one instance
 * whether it could be read; the page says so as well.
 */
char *metrics_collect(const struct metrics_options *options, size_t *length, enum shm_status *status);

#endif
