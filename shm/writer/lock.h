/* SPDX-License-Identifier: MIT */
/* Makes the fetcher of an instance single: a lock on an object that no other user may open. It ends with the process,
 * however that ends. */
#ifndef SHM_WRITER_LOCK_H
#define SHM_WRITER_LOCK_H

#include <sys/types.h>

#include "shm/region.h"

/*
 * Takes the lock, or SHM_RUNNING with the holder's pid (0 if it is in another pid namespace). The descriptor must
 * stay open, and no other descriptor of the object may be opened and closed in this process: that would drop it.
 */
enum shm_status lock_take(const char *name, int *fd, pid_t *holder);

/* True while `name` leads to the object that is locked. */
bool lock_is_named(int fd, const char *name);

#endif
