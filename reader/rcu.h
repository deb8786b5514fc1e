/* SPDX-License-Identifier: MIT */
/*
 * liburcu, the bulletproof flavour: it guards the one thing that is per process, the mapping. Threads register
 * themselves; a read section costs a few instructions, inlined here (_LGPL_SOURCE), and never contains a caller's
 * code. ThreadSanitizer does not see liburcu's barriers, so they are annotated.
 */
#ifndef READER_RCU_H
#define READER_RCU_H

#define _LGPL_SOURCE
#include <stdbool.h>
#include <urcu-bp.h>

#if defined(__SANITIZE_THREAD__)
#define READER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define READER_TSAN 1
#endif
#endif

#ifdef READER_TSAN
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#define TSAN_ANNOTATE(what) __tsan_##what(&urcu_bp_gp)
#else
#define TSAN_ANNOTATE(what) ((void)0)
#endif

/* Before a thread's first section, so that no fork comes in between: see rcu.c. */
void rcu_join(void);

/* Around fork(): no thread joins, and no signal is handled, until it is thawed, in the parent and in the child. */
void rcu_freeze(void);
void rcu_thaw_parent(void);
void rcu_thaw_child(void);

static inline bool rcu_joined(void)
{
    return __builtin_expect(URCU_TLS(urcu_bp_reader) != NULL, 1);
}

static inline void rcu_enter(void)
{
    if (!rcu_joined())
        rcu_join();
    urcu_bp_read_lock();
}

static inline void rcu_leave(void)
{
    TSAN_ANNOTATE(release);
    urcu_bp_read_unlock();
}

/* Waits until every section that was entered before has been left. */
static inline void rcu_wait(void)
{
    urcu_bp_synchronize_rcu();
    TSAN_ANNOTATE(acquire);
}

#endif
