/* SPDX-License-Identifier: MIT */
/*
 * Waiting for a child of fork() that may hang. By looking, for alarm() would not do: liburcu has all signals blocked
 * while it waits for its locks.
 *
 * Sanitizers do not hold their allocators' own locks across fork(). A child of a process with threads may wait for one
 * of them forever, which says nothing about us: where they are at work, a child that had to be killed is not counted.
 */
#ifndef TESTS_SUPPORT_CHILD_H
#define TESTS_SUPPORT_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/sanitizer.h"

#define CHILDREN_MAY_HANG SANITIZED

/* ThreadSanitizer ends a child that starts a thread, if its parent had more than one. */
#define CHILDREN_MAY_START_THREADS (!SANITIZED_THREADS)

/* True if it ends by itself, with exit status 0, before so many seconds are over. Otherwise it is killed. */
static inline bool child_ends_well(pid_t child, unsigned seconds)
{
    int status = 0;
    for (unsigned ms = 0; ms < seconds * 1000; ms++) {
        if (waitpid(child, &status, WNOHANG) == child)
            return status == 0;
        usleep(1000);
    }
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    return CHILDREN_MAY_HANG;
}

#endif
