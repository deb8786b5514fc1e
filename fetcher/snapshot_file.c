/* SPDX-License-Identifier: MIT */
#include "fetcher/snapshot_file.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fetcher/snapshot_format.h"
#include "shm/writer/memory_room.h"

static enum snapshot_file refuse(char text[static SNAPSHOT_FILE_TEXT_SIZE], const char *why)
{
    snprintf(text, SNAPSHOT_FILE_TEXT_SIZE, "%s", why);
    return SNAPSHOT_FILE_REFUSED;
}

static const char *fault(const struct stat *st, uint64_t most)
{
    if (!S_ISREG(st->st_mode))
        return "is no regular file";
    if (st->st_uid != geteuid() && st->st_uid != 0)
        return "belongs to another user";
    if (st->st_mode & 0022)
        return "can be written by others";
    if ((uint64_t)st->st_size > most)
        return "is larger than [shm] max_bytes allows";
    return memory_has_room(memory_room(""), (uint64_t)st->st_size) ? NULL : "is larger than memory allows";
}

/* As many bytes as there were when it was opened, or fewer. */
static enum snapshot_file read_all(int fd, uint8_t *bytes, size_t *size,
                                   char text[static SNAPSHOT_FILE_TEXT_SIZE])
{
    size_t most = *size;
    for (*size = 0; *size < most;) {
        ssize_t got = read(fd, bytes + *size, most - *size);
        if (got == 0)
            break;
        if (got < 0 && errno != EINTR)
            return refuse(text, strerror(errno));
        *size += got > 0 ? (size_t)got : 0;
    }
    return SNAPSHOT_FILE_READ;
}

/* O_NONBLOCK: opening a pipe without a writer would wait for one. */
static int open_to_read(const char *path)
{
    return open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
}

/* As far as the name of its instance. */
static const char *whose(int fd, const char *instance)
{
    struct {
        uint64_t magic;
        char rest[SNAPSHOT_INSTANCE - sizeof(uint64_t)], name[SNAPSHOT_HEADER_1 - SNAPSHOT_INSTANCE];
    } head;
    ssize_t got = pread(fd, &head, sizeof(head), 0);
    if (got == 0)
        return NULL;
    if (got < (ssize_t)sizeof(head.magic) || le64toh(head.magic) != SNAPSHOT_MAGIC)
        return "is no snapshot: name another file in [fetcher] snapshot";
    if (got == sizeof(head) && strncmp(head.name, instance, sizeof(head.name)) != 0)
        return "is the snapshot of another instance: put %i into [fetcher] snapshot, or, if this instance had "
               "that name, move the file away";
    return NULL;
}

const char *snapshot_file_in_the_way(const char *path, const char *instance)
{
    struct stat st;
    int fd = open_to_read(path);
    if (fd < 0 && errno == ENOENT)
        return NULL;
    if (fd < 0)
        return errno == ELOOP
                   ? "is a symbolic link: name the file itself in [fetcher] snapshot"
                   : "cannot be opened, so it stays: let the fetcher's user read it, or name another file in [fetcher] snapshot";
    const char *wrong = fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)
                            ? "is no regular file: name another one in [fetcher] snapshot"
                            : whose(fd, instance);
    close(fd);
    return wrong;
}

enum snapshot_file snapshot_file_read(const char *path, uint64_t most, uint8_t **bytes, size_t *size,
                                      char text[static SNAPSHOT_FILE_TEXT_SIZE])
{
    int fd = open_to_read(path);
    if (fd < 0 && errno == ENOENT)
        return SNAPSHOT_FILE_NONE;
    if (fd < 0)
        return refuse(text, errno == ELOOP ? "is a symbolic link" : strerror(errno));
    struct stat st;
    const char *wrong = fstat(fd, &st) == 0 ? fault(&st, most) : strerror(errno);
    enum snapshot_file result = SNAPSHOT_FILE_REFUSED;
    *size = wrong ? 0 : (size_t)st.st_size;
    *bytes = wrong ? NULL : malloc(*size + 1);
    if (wrong)
        refuse(text, wrong);
    else if (!*bytes)
        refuse(text, "cannot be read: out of memory");
    else
        result = read_all(fd, *bytes, size, text);
    close(fd);
    if (result == SNAPSHOT_FILE_READ && *size > 0)
        return result;
    free(*bytes);
    *bytes = NULL;
    return result == SNAPSHOT_FILE_READ ? SNAPSHOT_FILE_NONE : result;
}

static bool write_all(int fd, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        ssize_t put = write(fd, bytes, size);
        if (put < 0 && errno != EINTR)
            return false;
        bytes += put > 0 ? put : 0;
        size -= put > 0 ? (size_t)put : 0;
    }
    return true;
}

/* Returns 0, or an errno. */
static int write_next(const char *next, const uint8_t *bytes, size_t size, const char **step)
{
    int error = 0;
    *step = "create";
    if (unlink(next) != 0 && errno != ENOENT) /* a dead fetcher's */
        return errno;
    int fd = open(next, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return errno;
    *step = "write";
    if (!write_all(fd, bytes, size) || fsync(fd) != 0)
        error = errno;
    if (close(fd) != 0 && error == 0)
        error = errno;
    return error;
}

/* The new name outlives a crash of the machine, too. */
static int sync_folder(const char *path)
{
    char copy[SNAPSHOT_FILE_PATH_SIZE];
    snprintf(copy, sizeof(copy), "%s", path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC), error = 0;
    if (fd < 0)
        return errno;
    if (fsync(fd) != 0)
        error = errno;
    close(fd);
    return error;
}

int snapshot_file_write(const char *path, const uint8_t *bytes, size_t size, const char **step)
{
    char next[SNAPSHOT_FILE_PATH_SIZE];
    snprintf(next, sizeof(next), "%s.next", path);
    int error = write_next(next, bytes, size, step);
    if (error == 0) {
        *step = "rename";
        error = rename(next, path) == 0 ? 0 : errno;
    }
    if (error != 0) {
        unlink(next);
        return error;
    }
    *step = "sync the folder of";
    return sync_folder(path);
}

int snapshot_file_put_aside(const char *path)
{
    char other[SNAPSHOT_FILE_PATH_SIZE];
    snprintf(other, sizeof(other), "%s.other", path);
    return rename(path, other) == 0 ? 0 : errno;
}
