/* SPDX-License-Identifier: MIT */
/*
 * Linked into a program of ours, these stand before those of libc for its libraries as well. On sockets they fail as
 * fail.h says; or, as LARSHM_TEST_SOCKETS says, every other one is "short" (a single byte), "interrupted" or "later".
 * Everything that is no socket is left alone: libuv ends the process if it cannot wake itself.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/failure/fail.h"

static bool is_socket(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* 0, or the error of this call; *size is what it may move. */
static int trouble(enum fail_call call, size_t *size)
{
    static unsigned calls;
    const char *setting = getenv("LARSHM_TEST_SOCKETS");
    if (fail_now(call))
        return errno;
    if (!setting || ++calls % 2)
        return 0;
    if (strcmp(setting, "short") == 0 && *size > 1)
        *size = 1;
    return strcmp(setting, "interrupted") == 0 ? EINTR : strcmp(setting, "later") == 0 ? EAGAIN : 0;
}

static ssize_t move(enum fail_call call, long number, int fd, void *bytes, size_t size)
{
    int error = is_socket(fd) ? trouble(call, &size) : 0;
    if (error == 0)
        return syscall(number, fd, bytes, size);
    errno = error;
    return -1;
}

ssize_t read(int fd, void *bytes, size_t size)
{
    return move(FAIL_read, SYS_read, fd, bytes, size);
}

ssize_t write(int fd, const void *bytes, size_t size)
{
    return move(FAIL_write, SYS_write, fd, (void *)(uintptr_t)bytes, size);
}

/* glibc's own type for the address: with another one this is not its connect(). */
int connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t size)
{
    return fail_now(FAIL_connect) ? -1 : (int)syscall(SYS_connect, fd, address.__sockaddr__, size);
}
