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
 * The calling thread is a guest in all its sections, and rcu_wait() refuses it. It may run while the process ends, when liburcu's
 * records are gone, and may end during a fork.
 */
void rcu_stay_guest(void);

/*
 * Waits until every section that was entered before has been left. False: it could not, or there is a guest, whose
 * section may have been entered before. Then nothing is known: try again later.
 */
bool rcu_wait(void);

/* Around fork(): no thread joins, and no signal is handled, until it is thawed, in the parent and in the child. */
void rcu_freeze(void);
void rcu_thaw_parent(void);
void rcu_thaw_child(void);

/* liburcu's record of the thread. NULL: the thread has not joined. */
static inline struct urcu_bp_reader *rcu_record(void)
{
    return URCU_TLS(urcu_bp_reader);
}

static inline bool rcu_joined(void)
{
    return __builtin_expect(rcu_record() != NULL, 1);
}

/* Sections of a thread that has joined. */
static inline void rcu_enter_joined(void)
{
    urcu_bp_read_lock();
}

static inline void rcu_leave_joined(void)
{
    TSAN_ANNOTATE(release);
    urcu_bp_read_unlock();
}

/* liburcu does with membarrier(2). Without it each section has fences, which those below have not. */
static inline bool rcu_without_fences(void)
{
    return urcu_bp_has_sys_membarrier;
}

/*
 * A section for the fast path of lookups, where rcu_without_fences(). NULL: not entered, as the thread has not joined, or is in
 * another section. Like those of liburcu, but for the address of the record, which those load again and again. A signal handler
 * in between finds a section, and its own are added and taken away.
 */
static inline struct urcu_bp_reader *rcu_enter_fast(void)
{
    struct urcu_bp_reader *record = rcu_record();
    if (__builtin_expect(!record || record->ctr & URCU_BP_GP_CTR_NEST_MASK, 0))
        return NULL;
    CMM_STORE_SHARED(record->ctr, CMM_LOAD_SHARED(urcu_bp_gp.ctr));
    cmm_barrier();
    return record;
}

static inline void rcu_leave_fast(struct urcu_bp_reader *record)
{
    TSAN_ANNOTATE(release);
    cmm_barrier();
    CMM_STORE_SHARED(record->ctr, 0); /* liburcu looks at the phase only while the count is not 0 */
    cmm_barrier();
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
