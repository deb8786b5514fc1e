/* SPDX-License-Identifier: MIT */
#include "conf/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int check_kind(int fd, struct complaints *to)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return complain(to, 0, "cannot be examined: %s", strerror(errno));
    if (S_ISDIR(status.st_mode))
        return complain(to, 0, "is a directory: name the file in it");
    if (!S_ISREG(status.st_mode))
        return complain(to, 0, "is not a regular file: copy the configuration into one");
    return 0;
}

/* The size comes from reading to the end: the one in fstat() may be out of date. */
static int read_all(int fd, char *buffer, size_t *size, struct complaints *to)
{
    size_t got = 0;
    while (got <= FILE_MAX) {
        ssize_t piece = read(fd, buffer + got, FILE_MAX + 1 - got);
        if (piece == 0) {
            *size = got;
            return 0;
        }
        if (piece > 0)
            got += (size_t)piece;
        else if (errno != EINTR)
            return complain(to, 0, "cannot be read: %s", strerror(errno));
    }
    return complain(to, 0, "is larger than %d bytes: is it a configuration file?", FILE_MAX);
}

int file_read(char **text, size_t *size, struct complaints *to)
{
    /* O_NONBLOCK: opening a pipe without a writer would wait for one. */
    int fd = open(to->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return complain(to, 0, "cannot be opened: %s: check the name and its permissions", strerror(errno));
    char *buffer = NULL;
    int result = check_kind(fd, to);
    if (result == 0) {
        buffer = malloc(FILE_MAX + 1);
        result = buffer ? read_all(fd, buffer, size, to) : complain(to, 0, "cannot be read: out of memory");
    }
    close(fd);
    if (result != 0) {
        free(buffer);
        return -1;
    }
    *text = buffer;
    return 0;
}
