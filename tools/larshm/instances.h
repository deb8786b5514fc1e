/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_LARSHM_INSTANCES_H
#define TOOLS_LARSHM_INSTANCES_H

#include "shm/names.h"

enum {
    INSTANCES_MAX = 256
};

/*
 * The names of the instances that have a routes object, which a user who is trusted owns; sorted, and no more than
 * INSTANCES_MAX. The caller frees *names. Returns how many, or -1 with errno: the directory cannot be read.
 */
int instances_list(char (**names)[INSTANCE_MAX + 1]);

#endif
