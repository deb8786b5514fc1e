/* SPDX-License-Identifier: MIT */
/*
 * fork() while other threads look up: liburcu is frozen before it and thawed after it, so that the child does not
 * inherit a lock of a thread that it does not have, and the child forgets the parent's other threads.
 */
#include "reader/fork.h"

#include <pthread.h>

#include "reader/change_fd.h"
#include "reader/mapping.h"
#include "reader/rcu.h"
#include "reader/thread.h"
#include "shm/clock.h"

static void prepare(void)
{
    rcu_freeze();
    clock_prepare();
    change_fd_prepare();
}

static void parent(void)
{
    change_fd_parent();
    rcu_thaw_parent();
}

static void child(void)
{
    thread_forget(); /* before signal handlers can look up */
    clock_child();
    mapping_forget();
    change_fd_child();
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
