/* SPDX-License-Identifier: MIT */
#include "tools/larshm/metrics_collect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/larshm/instances.h"
#include "tools/larshm/metrics_page.h"

static int names_of(const struct metrics_options *options, char (**names)[INSTANCE_MAX + 1])
{
    if (!options->instance)
        return instances_list(names);
    if ((*names = calloc(1, sizeof(**names))) == NULL)
        return -1;
    snprintf(**names, sizeof(**names), "%s", options->instance);
    return 1;
}

char *metrics_collect(const struct metrics_options *options, size_t *length, enum shm_status *status)
{
    char(*names)[INSTANCE_MAX + 1], *text = NULL;
    int count = names_of(options, &names);
    if (count < 0)
        return NULL;
    struct metrics *all = calloc((size_t)count + 1, sizeof(*all));
    for (int i = 0; all && i < count; i++)
        metrics_read(options, names[i], &all[i]);
    *status = all && options->instance ? all[0].status : SHM_OK;
    if (all)
        text = metrics_page(all, (size_t)count, length);
    for (int i = 0; all && i < count; i++)
        metrics_free(&all[i]);
    free(all);
    free(names);
    if (!text)
        errno = ENOMEM;
    return text;
}
