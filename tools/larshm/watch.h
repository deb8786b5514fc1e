/* SPDX-License-Identifier: MIT */
/* Following the changes of an instance from generation to generation. */
#ifndef TOOLS_LARSHM_WATCH_H
#define TOOLS_LARSHM_WATCH_H

#include "tools/larshm/instance.h"
#include "tools/larshm/route.h"

struct follower {
    struct instance at;
    struct host_addr *hosts; /* for the route at hand */
    /* For each slot, the version that was reported last. One version for all would not do: while slots are read one
     * after the other, a change may appear behind us and a later one before us. */
    uint64_t *seen;
};

/* Starts with all that is there now as seen. On failure there is nothing to close. */
enum shm_status follower_open(const char *instance, struct follower *out);

void follower_close(struct follower *follower);

/*
 * Reports each change that has not been reported yet, in the order of versions; of changes that followed each other
 * faster than this is called, the last. Returns 0, what `each` returned, or -1 when memory ran out.
 */
int follower_report(struct follower *follower, route_fn *each, void *context);

/*
 * Switches to the object that has the name now; what was reported of this one counts as seen there. Call it after a
 * follower_report() that began when instance_renamed() was true already. False: there is no other object that can be
 * opened, the follower stays.
 */
bool follower_switch(struct follower *follower);

#endif
