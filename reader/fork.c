/* SPDX-License-Identifier: MIT */
/*
 * liburcu keeps a registry of threads under locks. Around fork() they must be held, so that the child does not
 * inherit them locked by a thread that it does not have, and the child must forget the parent's other threads.
 * liburcu's handlers do that but must be called once per fork, not once per copy of this library: a process may have
 * loaded the shared library and linked the static one. The depth is a weak symbol that both copies share.
 */
#include "reader/fork.h"

#include <pthread.h>

#include "reader/mapping.h"
#include "reader/rcu.h"
#include "reader/thread.h"

extern _Thread_local int larshm_fork_depth_;
__attribute__((weak, visibility("default"))) _Thread_local int larshm_fork_depth_;

static void before(void)
{
    mapping_freeze();
    if (larshm_fork_depth_++ == 0)
        urcu_bp_before_fork();
}

static void after_in_parent(void)
{
    if (--larshm_fork_depth_ == 0)
        urcu_bp_after_fork_parent();
    mapping_thaw();
}

static void after_in_child(void)
{
    if (--larshm_fork_depth_ == 0)
        urcu_bp_after_fork_child();
    mapping_thaw();
    thread_forget();
}

static int registered;

static void ask_for_calls(void)
{
    registered = pthread_atfork(before, after_in_parent, after_in_child) == 0;
}

int fork_ready(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, ask_for_calls);
    return registered ? LARSHM_OK : LARSHM_SYSTEM_ERROR;
}
