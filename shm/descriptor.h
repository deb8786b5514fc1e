/* SPDX-License-Identifier: MIT */
#ifndef SHM_DESCRIPTOR_H
#define SHM_DESCRIPTOR_H

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* The descriptor, or in its place one that is none of the standard three: a program that has closed one of these expects its next
 * file there. -1, with errno: there is none left. */
static inline int descriptor_above_standard(int fd)
{
    if (fd < 0 || fd > STDERR_FILENO)
        return fd;
    int above = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1), error = errno;
    close(fd);
    errno = error;
    return above;
}

#endif
