/* SPDX-License-Identifier: MIT */
/* The names of an instance's objects, and the directory that they are in. */
#ifndef SHM_NAMES_H
#define SHM_NAMES_H

#include "shm/status.h"

/* Where Linux keeps POSIX shared memory. */
#define SHM_DIRECTORY "/dev/shm"

enum {
    INSTANCE_MAX = 32,        /* characters of an instance's name */
    OBJECT_NAME_MAX = 64,     /* bytes of an object's name, NUL included */
    DIRECTORY_PATH_MAX = 108, /* bytes of the directory's path, NUL included */
};

/*
 * Each begins with a slash, so that a directory's path and a name make a path. `next` names exist only while the
 * holder of the lock builds an object; a leftover is a dead fetcher's.
 */
struct object_names {
    char routes[OBJECT_NAME_MAX];
    char control[OBJECT_NAME_MAX];
    char hosts[OBJECT_NAME_MAX];
    char lock[OBJECT_NAME_MAX];
    char next_routes[OBJECT_NAME_MAX];
    char next_control[OBJECT_NAME_MAX];
    char next_hosts[OBJECT_NAME_MAX];
    char other_routes[OBJECT_NAME_MAX]; /* an object put aside: its layout is not one that this fetcher knows */
    char other_hosts[OBJECT_NAME_MAX];
};

/* `given`; where that is NULL, $LARSHM_INSTANCE; where that is not set, "default". */
const char *instance_or_default(const char *given);

/*
 * `given`; where that is NULL or empty, $LARSHM_DIRECTORY, except in a set-user-ID program; where that is not set
 * or empty, SHM_DIRECTORY. NULL: it is no absolute path of less than DIRECTORY_PATH_MAX bytes.
 */
const char *directory_or_default(const char *given);

/*
 * Names for `instance`: 1 to INSTANCE_MAX letters, digits, '-' and '_' (no dot, so that no instance can be called
 * like another one's control object). SHM_BAD_ARGUMENT otherwise.
 */
enum shm_status object_names(const char *instance, struct object_names *out);

#endif
