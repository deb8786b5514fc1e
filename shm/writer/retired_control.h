/* SPDX-License-Identifier: MIT */
/*
 * Names for control objects that are replaced and not drained yet: `/larshm.<instance>.control.<generation>`. If the
 * fetcher dies, the next one finds by these names what clients have recorded there.
 */
#ifndef SHM_WRITER_RETIRED_CONTROL_H
#define SHM_WRITER_RETIRED_CONTROL_H

#include "shm/names.h"
#include "shm/region.h"

/* Gives the current control object a second name, before it loses the first. Without one this fetcher drains it too, but
 * the next one cannot. */
void retired_control_keep(const struct object_names *names, uint64_t generation);
void retired_control_remove(const struct object_names *names, uint64_t generation);

/* The generations that have such a name, newest first; at most `cap`, the names of the others are removed. Other users'
 * files are left alone. */
size_t retired_control_list(const struct object_names *names, uint64_t *generations, size_t cap);

/* Opens one, writable; only if this user owns it. */
enum shm_status retired_control_open(const struct object_names *names, uint64_t generation,
                                     struct region *out);

#endif
