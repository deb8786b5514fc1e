/* SPDX-License-Identifier: MIT */
/*
 * fork() while other threads look up: what holds locks is frozen before it and thawed after it, so that the child does not
 * inherit a lock of a thread that it does not have, and the child forgets the parent's other threads. liburcu must be
 * frozen once per fork, not once per copy of this library: a process may have loaded the shared library and linked the
 * static one. The depth is a weak symbol that both copies share.
 *
 * Order of locks: that of rcu.c, liburcu's, the one in mapping.c.
 */
#include "reader/fork.h"

#include <pthread.h>

#include "reader/mapping.h"
#include "reader/rcu.h"
#include "reader/thread.h"
#include "shm/clock.h"

extern _Thread_local int larshm_fork_depth_;
__attribute__((weak, visibility("default"))) _Thread_local int larshm_fork_depth_;

static void prepare(void)
{
    if (larshm_fork_depth_++ == 0)
        rcu_freeze();
    mapping_freeze();
}

static void parent(void)
{
    mapping_thaw();
    if (--larshm_fork_depth_ == 0)
        rcu_thaw_parent();
}

static void child(void)
{
    thread_forget(); /* before signal handlers can look up */
    clock_forget();
    mapping_thaw();
    if (--larshm_fork_depth_ == 0)
        rcu_thaw_child();
}

static int registered;

static void register_handlers(void)
{
    registered = pthread_atfork(prepare, parent, child) == 0;
}

int fork_ready(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_handlers);
    return registered ? LARSHM_OK : LARSHM_SYSTEM_ERROR;
}
