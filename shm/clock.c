/* SPDX-License-Identifier: MIT */
/*
 * The shift of the process's time namespace is learnt once, since only fork() and exec lead into another one.
 * (Besides setns() in a process with one thread, which larshm(7) forbids after a lookup.) It is read from
 * /proc/self/timens_offsets, which shows the namespace of future children. Where that is not the process's own,
 * after unshare() or setns(), the shift cannot be known.
 *
 * A child of fork() is in its parent's namespace, unless the parent has called one of these. Only the parent may have
 * seen /proc, as where the child calls chroot(2). But the clock says which it is: it goes on where the parent's was, or
 * it jumps. So a child whose clock goes on keeps the shift, and one whose clock has jumped learns its own. A jump of
 * less than FORK_MS is missed, and ticks are wrong by no more than that. A fork that takes longer passes for a jump:
 * the shift is learnt again, or not known, as after a real one.
 */
#include "shm/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "shm/atomic.h"

enum {
    FILE_MOST = 256, /* bytes; it has two short lines */
    FORK_MS = 1000,  /* a fork that takes no longer */
};

/* In place of a shift. */
#define NOT_LEARNT INT64_MIN
#define NOT_KNOWN  (INT64_MIN + 1)

/* Milliseconds by which this process's CLOCK_BOOTTIME is ahead. Relaxed: all threads learn the same. */
static _Atomic int64_t shift = NOT_LEARNT;

/* CLOCK_BOOTTIME of this process when it forked last. Relaxed: a child has the value of its own fork, or a later one of
 * another thread that forks at the same time. */
static _Atomic uint64_t forked;

/* By syscall(): open(), read() and close() are cancellation points, which a lookup must not have. */
static bool read_file(const char *path, char text[static FILE_MOST])
{
    long fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    long got = syscall(SYS_read, (int)fd, text, (size_t)FILE_MOST - 1);
    syscall(SYS_close, (int)fd);
    text[got > 0 ? got : 0] = '\0';
    return got > 0;
}

static bool same_for_children(void)
{
    struct stat own, children;
    return stat("/proc/self/ns/time", &own) == 0 && stat("/proc/self/ns/time_for_children", &children) == 0 &&
           own.st_ino == children.st_ino;
}

static int64_t learn(void)
{
    char text[FILE_MOST];
    struct stat st;
    if (!read_file("/proc/self/timens_offsets", text)) {
        bool too_old =
            errno == ENOENT && stat("/proc/self/ns", &st) == 0 && stat("/proc/self/ns/time", &st) != 0;
        return too_old ? 0 : NOT_KNOWN; /* a kernel without time namespaces */
    }
    char *at = strstr(text, "boottime");
    if (!at || !same_for_children())
        return NOT_KNOWN;
    char *number = at + strlen("boottime"), *end;
    int64_t seconds = strtoll(number, &end, 10), nanoseconds = strtoll(end, NULL, 10);
    bool sane =
        end != number && llabs(seconds) < INT64_MAX / 1000000 && nanoseconds >= 0 && nanoseconds < 1000000000;
    return sane ? seconds * 1000 + nanoseconds / 1000000 : NOT_KNOWN;
}

static int64_t known_shift(void)
{
    int64_t known = load_relaxed(&shift);
    if (__builtin_expect(known == NOT_LEARNT, 0)) {
        int saved = errno;
        known = learn();
        errno = saved;
        store_relaxed(&shift, known);
    }
    return known;
}

static bool read_clock(clockid_t clock, uint64_t *ms)
{
    struct timespec now;
    if (clock_gettime(clock, &now) != 0)
        return false;
    *ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    return true;
}

/* Milliseconds since the boot, by a clock that all processes share where that can be had. */
static uint64_t since_boot(void)
{
    uint64_t now;
    int64_t known = known_shift();
    if (!read_clock(CLOCK_BOOTTIME, &now)) { /* a sandbox that emulates the kernel may lack it */
        store_relaxed(&shift, NOT_KNOWN);
        return read_clock(CLOCK_MONOTONIC, &now) ? now : (uint64_t)time(NULL) * 1000;
    }
    return known == NOT_KNOWN ? now : now - (uint64_t)known;
}

uint64_t clock_tick(void)
{
    return TICK_ORIGIN + since_boot();
}

bool clock_is_shared(void)
{
    return known_shift() != NOT_KNOWN;
}

void clock_prepare(void)
{
    uint64_t now = 0;
    read_clock(CLOCK_BOOTTIME, &now);
    store_relaxed(&forked, now);
}

void clock_child(void)
{
    uint64_t now = 0;
    bool goes_on = read_clock(CLOCK_BOOTTIME, &now) && now - load_relaxed(&forked) <= FORK_MS;
    if (!goes_on || load_relaxed(&shift) == NOT_KNOWN)
        store_relaxed(&shift, NOT_LEARNT);
}

uint64_t clock_unix_ms(void)
{
    uint64_t now;
    return read_clock(CLOCK_REALTIME, &now) ? now : (uint64_t)time(NULL) * 1000;
}
