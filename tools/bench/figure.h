/* SPDX-License-Identifier: MIT */
/* A figure: its samples, one a round, its peer and its target. */
#ifndef TOOLS_BENCH_FIGURE_H
#define TOOLS_BENCH_FIGURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PARAMETERS_MAX = 4,
    ROUNDS_MAX = 99,
    LABEL_MAX = 96,
};

/* What distinguishes figures of one name: {"routes", 1000}. The last one has no name. */
struct parameter {
    const char *name;
    uint64_t value;
};

/* Bounds of the ratio, or of the median where there is no peer. 0: no bound. */
struct target {
    double at_most, at_least;
    bool none; /* 0 in every round */
};

struct figure {
    const char *suite, *name, *unit; /* static text */
    struct parameter parameters[PARAMETERS_MAX + 1];
    const struct figure *peer; /* NULL: none */
    struct target target;
    double median, min, max; /* of the samples so far */
    struct figure *next;
    uint32_t samples;
    double sample[ROUNDS_MAX]; /* in the order of the rounds */
};

/* In the order in which they were added. */
struct figures {
    struct figure *first, *last;
};

/*
 * Adds a figure without samples: its name and unit, parameters, peer and target are those of *like. It is in place
 * until figures_free(). NULL: out of memory, said on stderr.
 */
struct figure *figures_add(struct figures *figures, const struct figure *like);
void figures_free(struct figures *figures);

/* Adds the sample of a round. Samples beyond ROUNDS_MAX are ignored. */
void figure_sample(struct figure *figure, double value);

/* Forgets all samples. */
void figure_reset(struct figure *figure);

/* How far the middle half of the rounds is apart, over the median. 0 without samples. */
double figure_spread(const struct figure *figure);

/* A figure with a larger spread was disturbed so often that its median means little. */
static const double figure_spread_most = 0.15;

/*
 * The median of the ratios of each round: what disturbs a round disturbs both. The ratio of the medians, if the peer has
 * another number of samples. 0 without a peer, or without samples.
 */
double figure_ratio(const struct figure *figure);

bool figure_has_target(const struct figure *figure);
bool figure_meets_target(const struct figure *figure); /* never without samples */

/* "routes=1000 hosts=4"; empty without parameters. */
void figure_parameters(const struct figure *figure, char out[static LABEL_MAX]);

#endif
