/* SPDX-License-Identifier: MIT */
/*
 * Objects that the fetcher has made and replaced, while a program has them open or mapped, which keeps their memory.
 * It need not be a client: all users may open a routes object. A descriptor of each is kept, and the kernel grants a
 * write lease on it when no other is open and nothing is mapped through one. Then the memory is freed, so what keeps
 * an object in another way, a descriptor of O_PATH or a mount, keeps an empty one.
 */
#ifndef SHM_WRITER_REPLACED_H
#define SHM_WRITER_REPLACED_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/counters.h"
#include "shm/region.h"

struct replaced_object {
    int fd;
    uint64_t bytes, device, inode;
    uint64_t since; /* tick: it lost its name */
    bool mapped;    /* by the fetcher, which still collects it */
    bool freeing;   /* no program keeps it: its memory is given back, under a lease */
};

/* Zeroed is empty. Of more than it has room for, those that use least memory are not watched. */
struct replaced {
    struct replaced_object objects[REPLACED_OBJECTS_MAX];
    uint32_t count;
};

struct replaced_held {
    uint32_t objects; /* REPLACED_OBJECTS_MAX: there may be more */
    uint64_t bytes;
};

/*
 * A descriptor of the object, which still has `name`, for replaced_add(); -1: the object cannot be watched. On tmpfs alone a
 * lease knows of all mappings: overlayfs, for one, grants it though files are mapped, and what is freed then ends those
 * that read it.
 */
int replaced_open(const char *name, const struct region *object);

/* The object keeps its name after all. */
void replaced_cancel(int fd);

/* The object has lost its name just now. Takes the descriptor; -1 is fine. */
void replaced_add(struct replaced *replaced, int fd, bool mapped, uint64_t now);

/* The fetcher is about to unmap the object. */
void replaced_unmapped(struct replaced *replaced, const struct region *object);

/* Gives back a part of the memory of what no program has open. False: there is none. */
bool replaced_free_part(struct replaced *replaced);

/*
 * Begins to free what no program has open any more, small objects at once; returns what programs hold. Not before an object has
 * had no name for a second: kernels before 6.1 grant a lease though an open(2) that has found the name is under way. An opener
 * that comes at the very moment raises SIGURG, which processes ignore if they do nothing about it.
 */
struct replaced_held replaced_check(struct replaced *replaced, uint64_t now);

void replaced_close(struct replaced *replaced);

#endif
