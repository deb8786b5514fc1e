/* SPDX-License-Identifier: MIT */
/* Whatever an instance has in shared memory, whoever left it there. */
#ifndef TESTS_SUPPORT_OBJECTS_H
#define TESTS_SUPPORT_OBJECTS_H

#include "shm/names.h"

void objects_remove(const struct object_names *names);

/* How many there are. */
unsigned objects_count(const struct object_names *names);

#endif
