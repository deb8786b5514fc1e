/* SPDX-License-Identifier: MIT */
/*
 * Whom a client trusts with its routes. Trust follows who could have put an object where it is. In a directory
 * where others may create files the owner of each object decides: root, the caller, and the administrator's list. A
 * directory that only such a user may write to is trusted as a whole, whatever owners its files are shown with.
 *
 * The list is $LARSHM_TRUST_UID; where that is not set, TRUST_FILE; where there is no such file, the account
 * "larshm".
 */
#ifndef SHM_TRUST_H
#define SHM_TRUST_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "shm/status.h"

/* Uids, one a line; '#' begins a comment. It counts while root owns it and root alone may write to it. */
#define TRUST_FILE "/etc/larshm/trust"

enum {
    TRUST_LIST_MAX = 16,
    TRUST_OWNERS_MAX = TRUST_LIST_MAX + 2, /* with root and the caller */
};

/* What region_open() checks. */
struct trust {
    uid_t owners[TRUST_OWNERS_MAX];
    unsigned owner_count;
    bool any_owner;     /* the directory has decided */
    mode_t unsafe_mode; /* bits that make an object unsafe */
};

/* True if objects of this owner are trusted. */
bool trust_includes(const struct trust *trust, uid_t owner);

/* A caller's view of the machine's users. */
struct trusted {
    uid_t caller;
    /* The uid that stands for all users whom the caller's user namespace does not map; (uid_t)-1: it maps all. */
    uid_t unmapped;
    uid_t list[TRUST_LIST_MAX];
    unsigned count;
    bool known;        /* the list has been read */
    bool listed;       /* $LARSHM_TRUST_UID was set: nothing else is looked up */
    uid_t service;     /* the account by a name service, where /etc/passwd did not have it; (uid_t)-1: none */
    dev_t root_device; /* identity of the root directory that the caller had */
    ino_t root_inode;
};

/* SHM_BAD_ARGUMENT: $LARSHM_TRUST_UID is not 1 to TRUST_LIST_MAX decimal uids with commas between them. */
enum shm_status trusted_read(struct trusted *out);

/* Without what files and accounts say, which may say something else by now: root, the caller, and $LARSHM_TRUST_UID. */
struct trusted trusted_in_any_case(const struct trusted *trusted);

/*
 * Reads the list again, unless $LARSHM_TRUST_UID is all of it. SHM_BAD_ARGUMENT: TRUST_FILE has a line that is no
 * uid, or more than TRUST_LIST_MAX of them. With `wait` the account comes from the account database, too, which may be
 * a network service; without, from /etc/passwd and what that service said before, by system calls that no lookup waits
 * in.
 *
 * A list that was read stays as it is where it cannot be read any more: the caller has lost the permission, or has
 * another root directory, whose files are not those of the administrator.
 */
enum shm_status trusted_look_again(struct trusted *trusted, bool wait);

/*
 * Whom to trust in a directory; `named`: the caller's environment names it. SHM_FOREIGN: it is no directory, or
 * belongs to a user who is not trusted, and so may exchange what is in it.
 */
enum shm_status trusted_in(const struct trusted *trusted, const struct stat *directory, bool named,
                           struct trust *out);

#endif
