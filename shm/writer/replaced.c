/* SPDX-License-Identifier: MIT */
#include "shm/writer/replaced.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
    STAT_BLOCK_BYTES = 512, /* the unit of st_blocks */
    UNNAMED_MS = 1000,
    PART_BYTES = 16 << 20,
};

static bool is_on_tmpfs(int fd)
{
    struct statfs system;
    return fstatfs(fd, &system) == 0 && system.f_type == TMPFS_MAGIC;
}

void replaced_cancel(int fd)
{
    if (fd >= 0)
        close(fd);
}

int replaced_open(const char *name, const struct region *object)
{
    struct stat st;
    int fd = region_descriptor(name, O_RDWR | O_NONBLOCK, 0);
    if (fd >= 0 && is_on_tmpfs(fd) && fstat(fd, &st) == 0 && st.st_dev == object->device &&
        st.st_ino == object->inode && fcntl(fd, F_SETSIG, SIGURG) == 0)
        return fd;
    replaced_cancel(fd);
    return -1;
}

static void drop(struct replaced *replaced, uint32_t at)
{
    close(replaced->objects[at].fd);
    replaced->objects[at] = replaced->objects[--replaced->count];
}

static uint32_t smallest(const struct replaced *replaced)
{
    uint32_t found = 0;
    for (uint32_t i = 1; i < replaced->count; i++)
        if (replaced->objects[i].bytes < replaced->objects[found].bytes)
            found = i;
    return found;
}

void replaced_add(struct replaced *replaced, int fd, bool mapped, uint64_t now)
{
    struct stat st;
    if (fd < 0)
        return;
    if (fstat(fd, &st) != 0) {
        close(fd);
        return;
    }
    if (replaced->count == REPLACED_OBJECTS_MAX)
        drop(replaced, smallest(replaced));
    replaced->objects[replaced->count++] =
        (struct replaced_object){.fd = fd,
                                 .bytes = (uint64_t)st.st_blocks * STAT_BLOCK_BYTES,
                                 .device = st.st_dev,
                                 .inode = st.st_ino,
                                 .since = now,
                                 .mapped = mapped};
}

void replaced_unmapped(struct replaced *replaced, const struct region *object)
{
    for (uint32_t i = 0; i < replaced->count; i++)
        if (replaced->objects[i].inode == object->inode && replaced->objects[i].device == object->device)
            replaced->objects[i].mapped = false;
}

/*
 * True: a program keeps the object's memory. A program may be in an open(2) that has found the object while it
 * still had its name. That open fails while the lease is there, and finds an empty object afterwards: region.c
 * tries again.
 */
static bool is_held(struct replaced_object *object)
{
    struct stat st;
    if (fstat(object->fd, &st) != 0)
        return false;
    object->bytes = (uint64_t)st.st_blocks * STAT_BLOCK_BYTES;
    if (object->bytes == 0)
        return false;
    if (st.st_nlink > 0) /* a member of the group has given it another name */
        return true;
    if (fcntl(object->fd, F_SETLEASE, F_WRLCK) != 0)
        return errno == EAGAIN; /* another error: this system has no leases, see fs.leases-enable */
    object->freeing = true;
    return false;
}

/* The lease stays until nothing is left, so that no program opens what is half gone. */
static void free_part(struct replaced *replaced, uint32_t at)
{
    struct stat st;
    int fd = replaced->objects[at].fd;
    off_t left = fstat(fd, &st) == 0 && st.st_size > PART_BYTES ? st.st_size - PART_BYTES : 0;
    if (ftruncate(fd, left) != 0 || left == 0)
        drop(replaced, at);
}

bool replaced_free_part(struct replaced *replaced)
{
    uint32_t at = 0;
    while (at < replaced->count && !replaced->objects[at].freeing)
        at++;
    if (at < replaced->count)
        free_part(replaced, at);
    return at < replaced->count;
}

struct replaced_held replaced_check(struct replaced *replaced, uint64_t now)
{
    struct replaced_held held = {0};
    for (uint32_t i = replaced->count; i-- > 0;) {
        struct replaced_object *object = &replaced->objects[i];
        if (object->mapped || now < object->since + UNNAMED_MS)
            continue;
        if (!object->freeing && is_held(object)) {
            held.objects++;
            held.bytes += object->bytes;
        } else if (object->freeing) {
            free_part(replaced, i);
        } else {
            drop(replaced, i);
        }
    }
    return held;
}

void replaced_close(struct replaced *replaced)
{
    while (replaced->count)
        drop(replaced, 0);
}
