/* SPDX-License-Identifier: MIT */
/*
 * liburcu keeps a registry of threads under locks. Around fork() they must be held, so that the child does not
 * inherit them locked by a thread that it does not have, and the child must forget the parent's other threads.
 * liburcu's handlers do that, but must be called once per fork, not once per copy of this library: a process may have
 * loaded the shared library and linked the static one. Depth and lock are weak symbols that both copies share.
 *
 * They leave out one lock: the first that liburcu takes when it registers a thread, and the last when a registered one
 * ends, and again when the process ends. So threads register under the lock here, which is held across the fork, and the
 * thread that forks has registered before. Threads that end cannot be held off from here: PROTOCOL.md describes the
 * remaining case.
 *
 * Order of locks: this one, liburcu's, the one in mapping.c. Signals are blocked while this one is held: a handler may
 * fork.
 */
#include "reader/fork.h"

#include <pthread.h>
#include <signal.h>

#include "reader/mapping.h"
#include "reader/rcu.h"
#include "reader/thread.h"

extern _Thread_local int larshm_fork_depth_;
__attribute__((weak, visibility("default"))) _Thread_local int larshm_fork_depth_;
extern pthread_mutex_t larshm_fork_lock_;
__attribute__((weak, visibility("default"))) pthread_mutex_t larshm_fork_lock_ = PTHREAD_MUTEX_INITIALIZER;

static sigset_t unblocked; /* the mask to restore; under the lock */

static void lock_registry(void)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    pthread_mutex_lock(&larshm_fork_lock_);
    unblocked = before;
    urcu_bp_register_thread();
}

static void unlock_registry(void)
{
    sigset_t before = unblocked;
    pthread_mutex_unlock(&larshm_fork_lock_);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void rcu_join(void)
{
    lock_registry();
    unlock_registry();
}

static void prepare(void)
{
    if (larshm_fork_depth_++ == 0) {
        lock_registry();
        urcu_bp_before_fork();
    }
    mapping_freeze();
}

static void finish(void (*liburcu)(void))
{
    mapping_thaw();
    if (--larshm_fork_depth_ == 0) {
        liburcu();
        unlock_registry();
    }
}

static void parent(void)
{
    finish(urcu_bp_after_fork_parent);
}

static void child(void)
{
    thread_forget(); /* before signal handlers can look up */
    finish(urcu_bp_after_fork_child);
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
