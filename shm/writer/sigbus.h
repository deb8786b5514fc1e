/* SPDX-License-Identifier: MIT */
/*
 * Control objects can be cut short by whoever may write to them, and the next access is SIGBUS. A fetcher must not
 * die of that (G8): under the guard it finds zeroed memory of its own there instead, and is told. For programs only:
 * a signal handler belongs to the process, so the library for clients has none.
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

/* Guards a region from now on, or no more. Without sigbus_install() both do nothing that matters. */
void sigbus_protect(const struct region *region);
void sigbus_unprotect(const struct region *region);

/* True if the region's memory had to be replaced: the object behind it is of no use any more. */
bool sigbus_hit(const struct region *region);

#endif
