/* SPDX-License-Identifier: MIT */
/* The Prometheus text exposition format 0.0.4: families, each a name with its samples. */
#ifndef TOOLS_LARSHM_EXPOSITION_H
#define TOOLS_LARSHM_EXPOSITION_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Prometheus adds a label "instance" of its own, the machine's address, and renames one that is there. */
#define INSTANCE_LABEL "larshm_instance"

enum family_type {
    FAMILY_COUNTER,
    FAMILY_GAUGE,
    FAMILY_HISTOGRAM,
};

/* Begins a family. All its samples follow before the next one begins. */
void exposition_family(FILE *out, const char *name, enum family_type type, const char *help);

/* Labels are pairs of a name and a value, which may be any text; NULL ends them. */
__attribute__((sentinel)) void exposition_sample(FILE *out, const char *name, double value, ...);

/* Of an instance: `counts` of `buckets`, the last of which has no upper bound; `bounds` in units of `unit` seconds. */
struct exposition_histogram {
    const uint64_t *counts;
    const uint32_t *bounds;
    size_t buckets;
    double unit, sum;
};
void exposition_histogram(FILE *out, const char *name, const char *instance,
                          const struct exposition_histogram *histogram);

#endif
