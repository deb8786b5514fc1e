/* SPDX-License-Identifier: MIT */
/*
 * liburcu's registry of threads. It leaves one of its locks out of its fork handlers: the first that it takes when it
 * registers a thread, and the last when a registered one ends, and again when the process ends. So threads register
 * under the lock here, which is held across a fork, and the thread that forks has registered before. Threads that end
 * cannot be held off from here: PROTOCOL.md describes the remaining case.
 *
 * The lock is a weak symbol, because a process may have loaded the shared library and linked the static one: both copies
 * share it. Signals are blocked while it is held: a handler may fork.
 */
#include "reader/rcu.h"

#include <pthread.h>
#include <signal.h>

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

void rcu_freeze(void)
{
    lock_registry();
    urcu_bp_before_fork();
}

void rcu_thaw_parent(void)
{
    urcu_bp_after_fork_parent();
    unlock_registry();
}

void rcu_thaw_child(void)
{
    urcu_bp_after_fork_child();
    unlock_registry();
}
