/* SPDX-License-Identifier: MIT */
#include "conf/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum {
    NEEDED =
        8, /* epoll, eventfd, two pipes, the socket, and one that libuv keeps to close what it cannot accept */
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
