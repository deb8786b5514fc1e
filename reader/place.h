/* SPDX-License-Identifier: MIT */
/*
 * Where a handle finds its objects, and whom it trusts there. The directory's descriptor is kept from the start, so
 * that a program may chroot(). A program that closes all descriptors loses it; what has its number then is left
 * alone.
 */
#ifndef READER_PLACE_H
#define READER_PLACE_H

#include "shm/names.h"
#include "shm/region.h"

/* Constant once the handle is open. */
struct place {
    char path[DIRECTORY_PATH_MAX];
    bool named; /* by $LARSHM_DIRECTORY */
    int fd;
    dev_t device; /* identity of the directory that `fd` was opened on */
    ino_t inode;
    struct trusted trusted;
};

/* Reads the environment and opens the directory. The code is that of shm/status.h. */
enum shm_status place_begin(struct place *out);

/* Closes the descriptor, if it is still this one. */
void place_end(const struct place *place);

/* A directory to open objects in, and whose objects to trust there. */
struct place_visit {
    int directory;
    bool kept; /* it is the kept one */
    struct trust trust;
};

/*
 * Chooses the directory for a handle that is open, whose routes object is `current`: the kept one, unless the path
 * leads to another directory by now, and what has the name `routes` there is newer. Reads the list of trusted users
 * again, without waiting, if only the list may include the owner.
 */
enum shm_status place_enter(const struct place *place, const char *routes, const struct region *current,
                            struct place_visit *out);

/* Likewise, for a handle that is being opened. May wait for the account database, and keeps what that says. */
enum shm_status place_enter_first(struct place *place, const char *routes, struct place_visit *out);

/* Chooses the directory in which `current`, the routes object of a handle that is open, has its name `routes`, or else the kept one:
 * for other objects of the same fetcher. */
enum shm_status place_enter_home(const struct place *place, const char *routes, const struct region *current,
                                 struct place_visit *out);

/* False: the kept descriptor was closed meanwhile, so what was opened since may be of any directory. */
bool place_leave(const struct place *place, const struct place_visit *visit);

#endif
