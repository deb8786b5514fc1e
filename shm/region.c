/* SPDX-License-Identifier: MIT */
#include "shm/region.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "shm/descriptor.h"

#ifndef MADV_POPULATE_WRITE /* musl 1.2.3 does not name it */
#define MADV_POPULATE_WRITE 23
#endif

static enum shm_status status_of_errno(void)
{
    switch (errno) {
    case ENOENT:
        return SHM_NO_OBJECT;
    case EACCES:
    case EPERM:
    case EROFS: /* a container may have the objects mounted for reading only */
        return SHM_NO_PERMISSION;
    case ELOOP:  /* O_NOFOLLOW: a symbolic link has been put in the object's place, */
    case EISDIR: /* or a directory, */
    case ENXIO:  /* or a socket */
        return SHM_FOREIGN;
    case ENOSPC:
        return SHM_NO_SPACE;
    default:
        return SHM_SYSTEM_ERROR;
    }
}

static const char *objects = SHM_DIRECTORY;

void region_set_directory(const char *path)
{
    objects = path;
}

const char *region_directory(void)
{
    return objects;
}

static void path_of(const char *name, char out[static PATH_MAX])
{
    snprintf(out, PATH_MAX, "%s%s", objects, name);
}

static int open_at(int directory, const char *path, int flags, mode_t mode)
{
    return openat(directory, path, flags | O_NOFOLLOW | O_CLOEXEC, mode);
}

int region_descriptor(const char *name, int flags, mode_t mode)
{
    char path[PATH_MAX];
    path_of(name, path);
    return open_at(AT_FDCWD, path, flags, mode);
}

bool region_unlink(const char *name)
{
    char path[PATH_MAX];
    path_of(name, path);
    return unlink(path) == 0;
}

static enum shm_status map(int fd, size_t size, int protection, struct region *out)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return status_of_errno();
    void *s_base = size ? mmap(NULL, size, protection, MAP_SHARED, fd, 0) : NULL;
    if (s_base == MAP_FAILED)
        return status_of_errno();
    *out = (struct region){.s_base = s_base, .size = size, .device = st.st_dev, .inode = st.st_ino};
    return SHM_OK;
}

/* posix_fallocate() returns its error and may be interrupted half way; repeating it is harmless. */
static enum shm_status allocate(int fd, size_t from, size_t size)
{
    int error;
    do
        error = posix_fallocate(fd, (off_t)from, (off_t)size);
    while (error == EINTR);
    errno = error;
    return error ? status_of_errno() : SHM_OK;
}

enum shm_status region_begin(const char *name, size_t size, gid_t group, struct region_draft *out)
{
    if (size > region_space_available()) { /* do not fill it up for others only to fail */
        errno = ENOSPC;
        return SHM_NO_SPACE;
    }
    int fd = region_descriptor(name, O_CREAT | O_EXCL | O_RDWR, 0600);
    if (fd < 0)
        return errno == EEXIST ? SHM_FOREIGN : status_of_errno();

    *out = (struct region_draft){.under_way = true, .fd = fd};
    enum shm_status status = SHM_OK;
    if (group != (gid_t)-1 && fchown(fd, (uid_t)-1, group) != 0)
        status = status_of_errno();
    if (status == SHM_OK)
        status = map(fd, size, PROT_READ | PROT_WRITE, &out->region);
    if (status != SHM_OK)
        region_abandon(out, name);
    return status;
}

/* The next part of the draft: not more than is left. */
static size_t part(const struct region_draft *draft, size_t bytes)
{
    size_t left = draft->region.size - draft->allocated;
    return bytes < left ? bytes : left;
}

enum shm_status region_allocate(struct region_draft *draft, size_t bytes)
{
    size_t length = part(draft, bytes);
    enum shm_status status = allocate(draft->fd, draft->allocated, length);
    if (status == SHM_OK)
        draft->allocated += length;
    return status;
}

enum shm_status region_allocate_for_stores(struct region_draft *draft, size_t bytes)
{
    char *s_part = (char *)draft->region.s_base + draft->allocated;
    size_t length = part(draft, bytes);
    enum shm_status status = region_allocate(draft, length);
    if (status == SHM_OK)
        madvise(s_part, length, MADV_POPULATE_WRITE); /* an old kernel refuses: only slower */
    return status;
}

enum shm_status region_end(struct region_draft *draft, mode_t mode, struct region *out)
{
    if (fchmod(draft->fd, mode) != 0)
        return status_of_errno();
    close(draft->fd);
    *out = draft->region;
    *draft = (struct region_draft){0};
    return SHM_OK;
}

void region_abandon(struct region_draft *draft, const char *name)
{
    int saved = errno;
    if (draft->under_way) {
        region_unlink(name);
        close(draft->fd);
    }
    region_close(&draft->region);
    *draft = (struct region_draft){0};
    errno = saved;
}

enum shm_status region_create(const char *name, size_t size, mode_t mode, gid_t group, struct region *out)
{
    struct region_draft draft;
    enum shm_status status = region_begin(name, size, group, &draft);
    if (status != SHM_OK)
        return status;
    status = region_allocate(&draft, size);
    if (status == SHM_OK)
        status = region_end(&draft, mode, out);
    if (status != SHM_OK)
        region_abandon(&draft, name);
    return status;
}

static enum shm_status check_trust(int fd, const struct trust *trust, size_t least, size_t *size)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return status_of_errno();
    if (!S_ISREG(st.st_mode))
        return SHM_FOREIGN;
    if (!trust_includes(trust, st.st_uid))
        return SHM_FOREIGN;
    if (st.st_mode & trust->unsafe_mode)
        return SHM_UNSAFE;
    if (st.st_size < 0 || (uint64_t)st.st_size < least)
        return SHM_SHORT;
    *size = (size_t)st.st_size;
    return SHM_OK;
}

static enum shm_status open_once(int directory, const char *path, bool writable, const struct trust *trust,
                                 size_t least, struct region *out)
{
    /* O_NONBLOCK: a pipe put in the object's place must not block until its other end is opened. */
    int fd = open_at(directory, path, (writable ? O_RDWR : O_RDONLY) | O_NONBLOCK, 0);
    if (fd < 0)
        return status_of_errno();
    size_t size = 0;
    enum shm_status status = check_trust(fd, trust, least, &size);
    if (status == SHM_OK)
        status = map(fd, size, writable ? PROT_READ | PROT_WRITE : PROT_READ, out);
    int saved = errno;
    close(fd);
    errno = saved;
    return status;
}

/* If the object is replaced and freed (writer/replaced.h) while this process is in open(2), that fails, or opens an
 * empty object. The name leads to the new one by then. */
static enum shm_status open_path(int directory, const char *path, bool writable, const struct trust *trust,
                                 size_t least, struct region *out)
{
    enum shm_status status = open_once(directory, path, writable, trust, least, out);
    if (status == SHM_SHORT || (status == SHM_SYSTEM_ERROR && errno == EWOULDBLOCK))
        status = open_once(directory, path, writable, trust, least, out);
    return status;
}

enum shm_status region_open(const char *name, bool writable, const struct trust *trust, size_t least,
                            struct region *out)
{
    char path[PATH_MAX];
    path_of(name, path);
    return open_path(AT_FDCWD, path, writable, trust, least, out);
}

enum shm_status region_directory_open(const char *path, int *fd)
{
    *fd = descriptor_above_standard(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
    return *fd >= 0 ? SHM_OK : status_of_errno();
}

enum shm_status region_open_at(int directory, const char *name, bool writable, const struct trust *trust,
                               size_t least, struct region *out)
{
    return open_path(directory, name + 1, writable, trust, least, out);
}

enum shm_status region_link(const char *from, const char *to)
{
    char old_path[PATH_MAX], new_path[PATH_MAX];
    path_of(from, old_path);
    path_of(to, new_path);
    unlink(new_path);
    return link(old_path, new_path) == 0 ? SHM_OK : status_of_errno();
}

enum shm_status region_rename(const char *from, const char *to)
{
    char old_path[PATH_MAX], new_path[PATH_MAX];
    path_of(from, old_path);
    path_of(to, new_path);
    return rename(old_path, new_path) == 0 ? SHM_OK : status_of_errno();
}

static bool named(const struct region *region, const char *name, struct stat *st)
{
    char path[PATH_MAX];
    path_of(name, path);
    return lstat(path, st) == 0 && st->st_ino == region->inode && st->st_dev == region->device;
}

bool region_is_named(const struct region *region, const char *name)
{
    struct stat st;
    return named(region, name, &st);
}

bool region_is_whole(const struct region *region, const char *name)
{
    struct stat st;
    return named(region, name, &st) && st.st_size >= 0 && (uint64_t)st.st_size >= region->size;
}

uint64_t region_space_available(void)
{
    struct statvfs fs;
    /* A file system without a limit reports no blocks at all. */
    if (statvfs(objects, &fs) != 0 || fs.f_blocks == 0)
        return UINT64_MAX;
    return (uint64_t)fs.f_bavail * fs.f_frsize;
}

bool region_close_part(struct region *region, size_t bytes)
{
    if (region->size <= bytes) {
        region_close(region);
        return false;
    }
    munmap(region->s_base, bytes);
    region->s_base = (char *)region->s_base + bytes;
    region->size -= bytes;
    return true;
}

void region_close(struct region *region)
{
    if (region->s_base)
        munmap(region->s_base, region->size);
    *region = (struct region){0};
}
