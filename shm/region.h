/* SPDX-License-Identifier: MIT */
/*
 * A named shared-memory object and its mapping: complete before it has its final name, checked before it is trusted.
 * Nothing here knows the contents.
 */
#ifndef SHM_REGION_H
#define SHM_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "shm/names.h"
#include "shm/status.h"
#include "shm/trust.h"

struct region {
    void *s_base;
    size_t size;
    uint64_t device, inode; /* the object's identity, whatever its name refers to later */
};

/*
 * Creates object `name` of `size` bytes, all zero and fully allocated, so that no process that maps it can ever get
 * SIGBUS for lack of memory; maps it read-write. Refuses a name that exists. `mode` is set whatever the
 * umask; `group` (gid_t)-1 keeps the caller's. SHM_NO_SPACE: the file system is full, nothing is left behind.
 */
enum shm_status region_create(const char *name, size_t size, mode_t mode, gid_t group, struct region *out);

/*
 * region_create() in parts. An object that is not ended is closed to other users, and its pages may not be touched
 * before they are allocated.
 */
struct region_draft {
    bool under_way; /* false: all is zero */
    int fd;
    struct region region;
    size_t allocated; /* bytes from the beginning */
};

enum shm_status region_begin(const char *name, size_t size, gid_t group, struct region_draft *out);

/* Allocates the next `bytes`, or what is left. SHM_NO_SPACE: abandon it. */
enum shm_status region_allocate(struct region_draft *draft, size_t bytes);

/* Likewise, and maps these pages at once, instead of one by one as they are touched. */
enum shm_status region_allocate_for_stores(struct region_draft *draft, size_t bytes);

enum shm_status region_end(struct region_draft *draft, mode_t mode, struct region *out);

/* Removes the object. One that was ended or abandoned is fine; keeps errno. */
void region_abandon(struct region_draft *draft, const char *name);

/*
 * Opens and maps the object, read-write if `writable`. Checked before anything is mapped, each with a status of its
 * own: it exists, may be opened, is a regular object and no symbolic link, has a trusted owner, cannot be written
 * by others, and is at least `least` bytes long. An empty object, if `least` is 0, has no mapping.
 */
enum shm_status region_open(const char *name, bool writable, const struct trust *trust, size_t least,
                            struct region *out);

/* Likewise, in the directory of this descriptor. */
enum shm_status region_open_at(int directory, const char *name, bool writable, const struct trust *trust,
                               size_t least, struct region *out);

/* A descriptor of the directory, for region_open_at() alone. exec closes it, and it is none of the standard three. */
enum shm_status region_directory_open(const char *path, int *fd);

/* The directory that names are in: SHM_DIRECTORY, unless the program sets another before its first object. `path`
 * is not copied. */
void region_set_directory(const char *path);
const char *region_directory(void);

/* A descriptor of the object, or -1 with errno; flags as those of open(2). Never of a symbolic link. exec closes
 * it. */
int region_descriptor(const char *name, int flags, mode_t mode);

/* Removes the object's name. False, with errno: it is not removed. */
bool region_unlink(const char *name);

/* Gives the object `from` a second name, in place of an object that has this name. */
enum shm_status region_link(const char *from, const char *to);

/* Gives the new object `from` the name `to`, in one step that replaces the object of this name. */
enum shm_status region_rename(const char *from, const char *to);

/* True while `name` still leads to this region's object. */
bool region_is_named(const struct region *region, const char *name);

/* Likewise, and the object has not been truncated: the next process that opens it finds all of it. */
bool region_is_whole(const struct region *region, const char *name);

/* Bytes that objects may still use. */
uint64_t region_space_available(void);

/* Unmaps. A zeroed region is fine. */
void region_close(struct region *region);

/* Unmaps so many bytes of it, a multiple of the page size. True: there are more. The region is for this and region_close()
 * from then on. */
bool region_close_part(struct region *region, size_t bytes);

#endif
