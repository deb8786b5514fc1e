/* SPDX-License-Identifier: MIT */
/*
 * liburcu, the bulletproof flavour: it guards the one thing that is per process, the mapping. A read section costs
 * a few instructions, inlined here (_LGPL_SOURCE), and never contains a caller's code. ThreadSanitizer does not see
 * liburcu's barriers, so they are annotated.
 *
 * A thread joins: it is registered with liburcu in its first section. Where it cannot be just now, it is a guest:
 * it adds itself to a counter of the process for the section. Guests are slower, and nothing is unmapped while
 * there is one.
 */
#ifndef READER_RCU_H
#define READER_RCU_H

#define _LGPL_SOURCE
#include <stdbool.h>
#include <urcu-bp.h>

#include "reader/thread.h"

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

/* Sections of a thread that has not joined, or that began as a guest. */
void rcu_enter_slow(void);
void rcu_leave_guest(void);

/*
 * Waits until every section that was entered before has been left. False: it could not, or there is a guest, whose
 * section may have been entered before. Then nothing is known: try again later.
 */
bool rcu_wait(void);

/* Around fork(): no thread joins, and no signal is handled, until it is thawed, in the parent and in the child. */
void rcu_freeze(void);
void rcu_thaw_parent(void);
void rcu_thaw_child(void);

/* The thread is registered with liburcu. */
static inline bool rcu_joined(void)
{
    return __builtin_expect(URCU_TLS(urcu_bp_reader) != NULL, 1);
}

/* For a function that has seen rcu_joined(), and leaves the section itself. */
static inline void rcu_enter_joined(void)
{
    urcu_bp_read_lock();
}

static inline void rcu_leave_joined(void)
{
    TSAN_ANNOTATE(release);
    urcu_bp_read_unlock();
}

/* Sections nest, in signal handlers too, and never wait. */
static inline void rcu_enter(void)
{
    if (rcu_joined() && __builtin_expect(thread_state.guest == 0, 1))
        rcu_enter_joined();
    else
        rcu_enter_slow();
}

/* Goes by the count of guest sections, not by rcu_joined(): since a guest's section began, a signal handler may
 * have used liburcu, which registers the thread. */
static inline void rcu_leave(void)
{
    if (__builtin_expect(thread_state.guest == 0, 1))
        rcu_leave_joined();
    else
        rcu_leave_guest();
}

#endif
