/* SPDX-License-Identifier: MIT */
/* The objects of an instance as this tool sees them: read-only, with or without a fetcher. */
#ifndef TOOLS_LARSHM_INSTANCE_H
#define TOOLS_LARSHM_INSTANCE_H

#include <stdbool.h>

#include "shm/control.h"
#include "shm/names.h"
#include "shm/routes.h"

struct instance {
    const char *name;
    struct object_names names;
    struct region region;
    struct routes routes;
};

/* The objects' names. SHM_BAD_ARGUMENT: that is no instance's name, or LARSHM_DIRECTORY is no directory's, see shm/names.h. */
enum shm_status instance_names(const char *name, struct object_names *out);

/* Whom the library trusts in the objects' directory. A failure is that of shm/trust.h; SHM_NO_OBJECT: no such directory. */
enum shm_status instance_trusted(struct trusted *trusted, struct trust *out);

/* Likewise; after a failure, no owner. */
struct trust instance_trust(mode_t unsafe_mode);

/* Opens the routes object that has the instance's name now. On failure *out is untouched, with nothing to close. */
enum shm_status instance_open(const char *name, struct instance *out);

/* A zeroed one is fine. */
void instance_close(struct instance *instance);

/* True once the name leads to another object: a new generation, or none. */
bool instance_renamed(const struct instance *instance);

/* False: this user has no right to write to the control object, or it is in a directory mounted for reading only. */
bool instance_may_request(const struct instance *instance);

/* The lookups that no fetcher has collected yet. False: this user may not read the control object, or it is another
 * generation's. */
bool instance_lookups(const struct instance *instance, struct lookup_counts *out);

/* The size of the control object, for which no right to it is needed. 0: there is none. */
uint64_t instance_control_bytes(const struct instance *instance);

#endif
