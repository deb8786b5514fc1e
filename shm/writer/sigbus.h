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
    GUARDED_MAX = 32
};

/* Installs the handler. Faults anywhere else end the process as before. 0, or -1. */
int guard_install(void);

/* Guards a region from now on, or no more. Without guard_install() both do nothing that matters. */
void guard_add(const struct region *region);
void guard_remove(const struct region *region);

/* True if the region's memory had to be replaced: the object behind it is of no use any more. */
bool guard_broken(const struct region *region);

#endif
