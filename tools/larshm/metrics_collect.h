/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_LARSHM_METRICS_COLLECT_H
#define TOOLS_LARSHM_METRICS_COLLECT_H

#include "tools/larshm/metrics_read.h"

/* One instance, or all. */
struct metrics_set {
    struct metrics *all;
    size_t count;
};

/* False, with errno: there is nothing. That an instance cannot be read is in its status. */
bool metrics_collect(const struct metrics_options *options, struct metrics_set *out);

/* A zeroed one is fine. */
void metrics_set_free(struct metrics_set *set);

#endif
