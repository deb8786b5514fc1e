/* SPDX-License-Identifier: MIT */
/* Thread-local state. CMakeLists.txt says how it is reached (LARSHM_TLS_MODEL). It is kept small: the C library
 * reserves little static room for the thread-local variables of libraries that are loaded at run time. */
#ifndef READER_THREAD_H
#define READER_THREAD_H

#include <stdint.h>

enum {
    PROBE_CELLS = 16 /* routes that share one share its limit */
};

struct thread_state {
    uint64_t serial;          /* of the handle that the counts belong to; 0: no lookup by this thread yet */
    uint64_t phase;           /* see below */
    uint32_t number;          /* 0: not assigned; spreads threads over shared counters */
    uint32_t foreign_lookups; /* of the lookups since the last batch, those with other handles */
    uint32_t missed, expired; /* not added to the control object yet */
    uint16_t reports;         /* since the last batch */
    uint16_t guest;           /* read sections that the thread is in as a guest, see rcu.h */
    uint16_t batch;           /* how long it is; 0: no call by this thread yet */
    uint32_t batch_began;     /* tick, its lower half */
    uint16_t probes[PROBE_CELLS]; /* spent on probes, see pick.c */
};

extern _Thread_local struct thread_state thread_state __attribute__((visibility("hidden")));

/* Assigns the thread's number. */
void thread_begin(void);

/*
 * Sets the thread's first phase, from how many threads of all processes have begun before it: these phases spread as
 * evenly as the picks of each thread do, so that a thousand threads which pick once each spread like one that picks a
 * thousand times. Without a number (0) it is random.
 */
void thread_start_phase(uint32_t before);

/* In the child of fork(): another first phase, or all children would pick what the parent picks next; no counts,
 * for the parent adds them. Read sections that a fork in a signal handler interrupted go on. */
void thread_forget(void);

static inline uint32_t thread_number(void)
{
    if (!thread_state.number)
        thread_begin();
    return thread_state.number;
}

/*
 * A lookup adds to this word: in the upper half the thread's position in the golden-ratio sequence, in the lower
 * one its lookups since counts were last added. One word, so that the fast path has one addition to make.
 */
#define PHASE_LOOKUP UINT64_C(1)
#define PHASE_PICK   (UINT64_C(0x9e3779b9) << 32)

static inline uint32_t phase_position(uint64_t phase)
{
    return (uint32_t)(phase >> 32);
}

static inline uint32_t pending_lookups(uint64_t phase)
{
    return (uint32_t)phase;
}

/*
 * The thread's next pick among `count` hosts: golden-ratio steps around a circle, scaled to count. Any run of picks
 * is spread evenly, also when a thread goes back and forth between routes, and no cursor is shared between threads.
 */
static inline uint32_t thread_pick(uint32_t count)
{
    thread_state.phase += PHASE_PICK;
    return (uint32_t)((uint64_t)phase_position(thread_state.phase) * count >> 32);
}

#endif
