/* SPDX-License-Identifier: MIT */
/*
 * Names for control objects that are replaced and not drained yet: `/larshm.<instance>.control.<number>`. If the
 * fetcher dies, the next one finds by these names what clients have recorded there. Anyone can foresee the number, and make
 * a file of that name where all users may: then the name has a random part as well.
 */
#ifndef SHM_WRITER_RETIRED_CONTROL_H
#define SHM_WRITER_RETIRED_CONTROL_H

#include "shm/names.h"
#include "shm/region.h"

struct retired_name {
    uint64_t number; /* the control object's; 0: it has no such name */
    uint32_t salt;   /* 0: none */
};

/* Gives the current control object a second name, before it loses the first. If that fails this fetcher drains it too, but
 * the next one cannot: *out has number 0, and errno says why. */
enum shm_status retired_control_keep(const struct object_names *names, uint64_t number,
                                     struct retired_name *out);

/* Does nothing without a number. */
void retired_control_remove(const struct object_names *names, struct retired_name name);

/*
 * The objects that have such a name, newest first; at most `cap`, the names of the others are removed. Other users' files are
 * left alone. Names of this user's that are not the object's own are removed: who may write to an object may link it.
 */
size_t retired_control_list(const struct object_names *names, struct retired_name *out, size_t cap);

/* Opens one, writable; only if this user owns it. */
enum shm_status retired_control_open(const struct object_names *names, struct retired_name name,
                                     struct region *out);

#endif
