/* SPDX-License-Identifier: MIT */
/* All that `larshm metrics` prints. */
#ifndef TOOLS_LARSHM_METRICS_PAGE_H
#define TOOLS_LARSHM_METRICS_PAGE_H

#include "tools/larshm/metrics_read.h"

/* Of several instances, as the format wants: family by family. The caller frees the text; NULL: no memory. */
char *metrics_page(const struct metrics *all, size_t count, size_t *length);

#endif
