/* SPDX-License-Identifier: MIT */
/* All that `larshm metrics` prints. */
#ifndef TOOLS_LARSHM_METRICS_PAGE_H
#define TOOLS_LARSHM_METRICS_PAGE_H

#include "tools/larshm/metrics_collect.h"

/* Of several instances, as the format wants: family by family. The caller frees the text; NULL: no memory. */
char *metrics_page(const struct metrics_set *set, size_t *length);

#endif
