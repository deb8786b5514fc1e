/* SPDX-License-Identifier: MIT */
#include "conf/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum {
    /* epoll, eventfd, two pipes, the socket, one that libuv keeps to close what it cannot accept, and of the fetcher the
     * listener's eventfd, of a directory inotify's. */
    NEEDED = 9,
};

bool descriptors_for_loop(void)
{
    int taken[NEEDED], count = 0;
    while (count < NEEDED && (taken[count] = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)) >= 0)
        count++;
    int error = errno;
    for (int i = 0; i < count; i++)
        close(taken[i]);
    errno = error;
    return count == NEEDED;
}
