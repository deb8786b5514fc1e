/* SPDX-License-Identifier: MIT */
/*
 * The outcomes of everything in shm/. 0 is success. The first values are the return codes of Lars and keep their
 * numbers; the public header repeats the list under its own names (reader/errors.c asserts that they agree).
 * A function that fails leaves its outputs and the objects as they were, unless its own comment says otherwise.
 */
#ifndef SHM_STATUS_H
#define SHM_STATUS_H

enum shm_status {
    SHM_OK = 0,
    SHM_OVERLOAD = 1,      /* Lars: no host may be used now */
    SHM_SYSTEM_ERROR = 2,  /* the system refused; see errno */
    SHM_NOEXIST = 3,       /* Lars: the directory knows no such route */
    SHM_PENDING = 4,       /* requested, not cached yet */
    SHM_FULL = 5,          /* a limit keeps new routes out; known ones are served */
    SHM_STALE = 6,         /* the memory of a view was reused before the view ended */
    SHM_TIMEOUT = 7,       /* timed out */
    SHM_NO_OBJECT = 8,     /* no object of that name: the fetcher has never run */
    SHM_NO_PERMISSION = 9, /* the object may not be opened */
    SHM_FOREIGN = 10,      /* the object's owner is not trusted, or it is no regular object */
    SHM_UNSAFE = 11,       /* others may write to the object */
    SHM_SHORT = 12,        /* the object is smaller than it says, or than a header */
    SHM_NOT_LARSHM = 13,   /* no larshm object at all */
    SHM_LAYOUT = 14,       /* a larshm object of another layout */
    SHM_CORRUPT = 15,      /* contents that no fetcher writes */
    SHM_BAD_ARGUMENT = 16, /* an argument is out of range */
    SHM_CUT_OFF = 17,      /* newer objects than those in use cannot be opened */
    SHM_END = 18,          /* the end of a list */
    SHM_OVERRUN = 19,      /* more has changed than is remembered */
    SHM_RUNNING = 20,      /* another fetcher serves this instance */
    SHM_NO_SPACE = 21,     /* the file system of shared memory is full */
};

#endif
