/* SPDX-License-Identifier: MIT */
#include "tests/support/objects.h"

#include <glob.h>
#include <stdio.h>
#include <unistd.h>

static void find(const struct object_names *names, glob_t *found)
{
    char pattern[OBJECT_NAME_MAX + 16];
    snprintf(pattern, sizeof(pattern), "/dev/shm%s", names->routes);
    glob(pattern, 0, NULL, found);
    snprintf(pattern, sizeof(pattern), "/dev/shm%s.*", names->routes);
    glob(pattern, GLOB_APPEND, NULL, found);
}

void objects_remove(const struct object_names *names)
{
    glob_t found = {0};
    find(names, &found);
    for (size_t i = 0; i < found.gl_pathc; i++)
        unlink(found.gl_pathv[i]);
    globfree(&found);
}

unsigned objects_count(const struct object_names *names)
{
    glob_t found = {0};
    find(names, &found);
    unsigned count = (unsigned)found.gl_pathc;
    globfree(&found);
    return count;
}
