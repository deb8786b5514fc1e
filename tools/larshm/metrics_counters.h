/* SPDX-License-Identifier: MIT */
/* The counters of shm/counters.h as metrics. */
#ifndef TOOLS_LARSHM_METRICS_COUNTERS_H
#define TOOLS_LARSHM_METRICS_COUNTERS_H

#include "tools/larshm/exposition.h"
#include "tools/larshm/metrics_read.h"

struct counter_metric {
    const char *name; /* NULL: it is a sample of another family, see metrics_page.c */
    enum family_type type;
};
extern const struct counter_metric counter_metrics[COUNTER_COUNT];

void metrics_counters_print(FILE *out, const struct metrics *all, size_t count);

#endif
