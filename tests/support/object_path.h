/* SPDX-License-Identifier: MIT */
/* Objects in shared memory as files, to do with them what shm_open() cannot. */
#ifndef TESTS_SUPPORT_OBJECT_PATH_H
#define TESTS_SUPPORT_OBJECT_PATH_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>

#include "shm/names.h"
#include "shm/region.h"

/* Valid until the next call. */
static inline const char *object_path(const char *name)
{
    static char path[OBJECT_NAME_MAX + 32];
    snprintf(path, sizeof(path), SHM_DIRECTORY "%s", name);
    return path;
}

static inline bool object_exists(const char *name)
{
    struct stat st;
    return lstat(object_path(name), &st) == 0;
}

#endif
