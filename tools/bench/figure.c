/* SPDX-License-Identifier: MIT */
#include "tools/bench/figure.h"

#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/bench/timing.h"

void figure_reset(struct figure *figure)
{
    figure->samples = 0;
    figure->median = figure->min = figure->max = 0;
}

struct figure *figures_add(struct figures *figures, const struct figure *like)
{
    struct figure *figure = malloc(sizeof(*figure));
    if (!figure) {
        warnx("out of memory");
        return NULL;
    }
    *figure = *like;
    figure->next = NULL;
    figure_reset(figure);
    if (figures->last)
        figures->last->next = figure;
    else
        figures->first = figure;
    figures->last = figure;
    return figure;
}

void figures_free(struct figures *figures)
{
    for (struct figure *figure = figures->first, *next; figure; figure = next) {
        next = figure->next;
        free(figure);
    }
    *figures = (struct figures){0};
}

static void sort_into(double sorted[static ROUNDS_MAX], const double *values, uint32_t count)
{
    memcpy(sorted, values, count * sizeof(*values));
    sort_values(sorted, count);
}

static double median_of(const double *values, uint32_t count)
{
    double sorted[ROUNDS_MAX];
    sort_into(sorted, values, count);
    return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
}

void figure_sample(struct figure *figure, double value)
{
    if (figure->samples == ROUNDS_MAX)
        return;
    bool first = figure->samples == 0;
    figure->sample[figure->samples++] = value;
    figure->min = first || value < figure->min ? value : figure->min;
    figure->max = first || value > figure->max ? value : figure->max;
    figure->median = median_of(figure->sample, figure->samples);
}

double figure_spread(const struct figure *figure)
{
    double sorted[ROUNDS_MAX];
    if (figure->samples == 0 || figure->median <= 0)
        return 0;
    sort_into(sorted, figure->sample, figure->samples);
    uint32_t last = figure->samples - 1;
    return (sorted[last - last / 4] - sorted[last / 4]) / figure->median;
}

double figure_ratio(const struct figure *figure)
{
    const struct figure *peer = figure->peer;
    double ratios[ROUNDS_MAX];
    uint32_t count = 0;
    if (!peer || peer->median <= 0)
        return 0;
    if (peer->samples != figure->samples)
        return figure->median / peer->median;
    for (uint32_t i = 0; i < figure->samples; i++)
        if (peer->sample[i] > 0)
            ratios[count++] = figure->sample[i] / peer->sample[i];
    return median_of(ratios, count);
}

bool figure_has_target(const struct figure *figure)
{
    return figure->target.at_most > 0 || figure->target.at_least > 0 || figure->target.none;
}

bool figure_meets_target(const struct figure *figure)
{
    const struct target *target = &figure->target;
    double value = figure->peer ? figure_ratio(figure) : figure->median;
    if (target->none)
        return figure->samples > 0 && figure->max <= 0;
    bool measured = figure->peer ? value > 0 : figure->samples > 0;
    return measured && (target->at_most <= 0 || value <= target->at_most) && value >= target->at_least;
}

void figure_parameters(const struct figure *figure, char out[static LABEL_MAX])
{
    size_t used = 0;
    out[0] = '\0';
    for (const struct parameter *parameter = figure->parameters; parameter->name && used < LABEL_MAX;
         parameter++)
        used += (size_t)snprintf(out + used, LABEL_MAX - used, "%s%s=%" PRIu64, used ? " " : "",
                                 parameter->name, parameter->value);
}
