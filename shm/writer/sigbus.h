/* SPDX-License-Identifier: MIT */
/*
 * A process that may write to a control object can truncate it, and the next access is SIGBUS. A fetcher must not die of
 * that (G8): the handler maps zeroed memory in place of a protected region, and records it. For programs only: a signal
 * handler belongs to the process, so the client library has none.
 */
#ifndef SHM_WRITER_SIGBUS_H
#define SHM_WRITER_SIGBUS_H

#include <stdbool.h>

#include "shm/region.h"

enum {
    SIGBUS_REGIONS_MAX = 32
};

/* Installs the handler. Faults anywhere else end the process as before. 0, or -1. */
int sigbus_install(void);

/* Protects a region, or no longer. Without sigbus_install() both have no effect. */
void sigbus_protect(const struct region *region);
void sigbus_unprotect(const struct region *region);

/* True if the region's memory had to be replaced: the object behind it is unusable. */
bool sigbus_hit(const struct region *region);

#endif
