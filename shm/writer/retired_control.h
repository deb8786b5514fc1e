/* SPDX-License-Identifier: MIT */
/*
 * Second names of control objects that are replaced and not drained yet: `/larshm.<instance>.control.<number>`. By
 * these names the next fetcher finds what clients have recorded there, if this one ends first. Where all users may
 * create files, another user can take such a name, since the number can be guessed: then a random part is appended.
 */
#ifndef SHM_WRITER_RETIRED_CONTROL_H
#define SHM_WRITER_RETIRED_CONTROL_H

#include "shm/names.h"
#include "shm/region.h"

struct retired_name {
    uint64_t number; /* the control object's; 0: it has no such name */
    uint32_t salt;   /* the random part; 0: none */
};

/* Gives the current control object a second name, before it loses the first. If that fails, *out has number 0 and
 * errno says why; this fetcher drains the object all the same, but the next one cannot find it. */
enum shm_status retired_control_keep(const struct object_names *names, uint64_t number,
                                     struct retired_name *out);

/* Removes the name. Does nothing if its number is 0. */
void retired_control_remove(const struct object_names *names, struct retired_name name);

/*
 * Lists the objects of this user that have such names, newest first. Removes the names of those beyond `cap`; and
 * names that lead to an object of another number, because a client that may write to an object can link it under
 * any name. Files of other users are left alone.
 */
size_t retired_control_list(const struct object_names *names, struct retired_name *out, size_t cap);

/* Opens one, writable; only if this user owns it. */
enum shm_status retired_control_open(const struct object_names *names, struct retired_name name,
                                     struct region *out);

#endif
