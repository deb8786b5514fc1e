/* SPDX-License-Identifier: MIT */
/*
 * The places where a fetcher can die: before each store to shared memory (SHM_STEP in shm/atomic.h), and before each
 * system call that makes, names or removes an object (wrapped by the linker).
 */
#include "tests/crash/step.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned long steps, stop, watched;
static uintptr_t watch_from, watch_to;

void crash_at(unsigned long number)
{
    steps = watched = 0;
    stop = number;
}

unsigned long crash_steps(void)
{
    return steps;
}

void crash_watch(const void *from, const void *to)
{
    watch_from = (uintptr_t)from;
    watch_to = (uintptr_t)to;
}

unsigned long crash_watched(void)
{
    return watched;
}

void crash_step(const volatile void *s_word)
{
    if (++steps == stop)
        _exit(CRASH_EXIT);
    watched += (uintptr_t)s_word >= watch_from && (uintptr_t)s_word < watch_to;
}

int __real_openat(int directory, const char *path, int flags, mode_t mode);
int __wrap_openat(int directory, const char *path, int flags, mode_t mode);
int __wrap_openat(int directory, const char *path, int flags, mode_t mode)
{
    crash_step(NULL);
    return __real_openat(directory, path, flags, mode);
}

int __real_unlink(const char *path);
int __wrap_unlink(const char *path);
int __wrap_unlink(const char *path)
{
    crash_step(NULL);
    return __real_unlink(path);
}

int __real_posix_fallocate(int fd, off_t offset, off_t size);
int __wrap_posix_fallocate(int fd, off_t offset, off_t size);
int __wrap_posix_fallocate(int fd, off_t offset, off_t size)
{
    crash_step(NULL);
    return __real_posix_fallocate(fd, offset, size);
}

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to)
{
    crash_step(NULL);
    return __real_rename(from, to);
}

int __real_fchmod(int fd, mode_t mode);
int __wrap_fchmod(int fd, mode_t mode);
int __wrap_fchmod(int fd, mode_t mode)
{
    crash_step(NULL);
    return __real_fchmod(fd, mode);
}

/* An adopting fetcher gives readers time; there are none here, and thousands of adoptions. */
int __wrap_usleep(useconds_t pause);
int __wrap_usleep(useconds_t pause)
{
    (void)pause;
    return 0;
}
