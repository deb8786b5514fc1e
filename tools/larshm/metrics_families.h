/* SPDX-License-Identifier: MIT */
/* Families of metrics that are not simply counters: tables, each by its subject. */
#ifndef TOOLS_LARSHM_METRICS_FAMILIES_H
#define TOOLS_LARSHM_METRICS_FAMILIES_H

#include "tools/larshm/exposition.h"
#include "tools/larshm/metrics_read.h"

struct metrics_family {
    const char *name;
    enum family_type type;
    const char *help;
    /* Writes the samples of an instance that can be read. */
    void (*samples)(FILE *out, const char *name, const struct metrics *metrics);
};

/* The last one of each has no name. */
extern const struct metrics_family metrics_fetcher[], metrics_routes[], metrics_memory[], metrics_directory[];

/* A sample without further labels than the instance, and with one. */
static inline void sample_value(FILE *out, const char *name, const struct metrics *metrics, double value)
{
    exposition_sample(out, name, value, INSTANCE_LABEL, metrics->instance, NULL);
}

static inline void sample_labelled(FILE *out, const char *name, const struct metrics *metrics,
                                   const char *label, const char *text, uint64_t value)
{
    exposition_sample(out, name, (double)value, INSTANCE_LABEL, metrics->instance, label, text, NULL);
}

#endif
