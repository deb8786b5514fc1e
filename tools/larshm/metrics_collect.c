/* SPDX-License-Identifier: MIT */
#include "tools/larshm/metrics_collect.h"

#include <stdio.h>
#include <stdlib.h>

#include "tools/larshm/instances.h"

static int names_of(const struct metrics_options *options, char (**names)[INSTANCE_MAX + 1])
{
    if (!options->instance)
        return instances_list(names);
    if ((*names = calloc(1, sizeof(**names))) == NULL)
        return -1;
    snprintf(**names, sizeof(**names), "%s", options->instance);
    return 1;
}

bool metrics_collect(const struct metrics_options *options, struct metrics_set *out)
{
    char(*names)[INSTANCE_MAX + 1];
    int count = names_of(options, &names);
    if (count < 0)
        return false;
    *out = (struct metrics_set){calloc((size_t)count + 1, sizeof(*out->all)), (size_t)count};
    for (int i = 0; out->all && i < count; i++)
        metrics_read(options, names[i], &out->all[i]);
    free(names);
    return out->all != NULL;
}

void metrics_set_free(struct metrics_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        metrics_free(&set->all[i]);
    free(set->all);
    *set = (struct metrics_set){0};
}
