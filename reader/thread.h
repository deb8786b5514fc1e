/* SPDX-License-Identifier: MIT */
/* Thread-local state. CMakeLists.txt says how it is reached (LARSHM_TLS_MODEL). It is kept small: the C library
 * reserves little static room for the thread-local variables of libraries that are loaded at run time. */
#ifndef READER_THREAD_H
#define READER_THREAD_H

#include <stdint.h>

#include "shm/hash.h"

enum {
    PROBE_CELLS = 16 /* routes that share one share its limit */
};

struct thread_state {
    uint64_t serial;          /* of the handle that the counts belong to; 0: no lookup by this thread yet */
    struct cursors *cursors;  /* the thread's set, see cursor.h; there once `serial` has been set */
    uint32_t start;           /* where its sequences of picks begin; 0: not assigned */
    uint32_t draws;           /* see thread_random() */
    uint32_t lookups;         /* in this batch, which ends at COUNT_BATCH */
    uint32_t number;          /* 0: not assigned; spreads threads over shared counters */
    uint32_t foreign_lookups; /* of these, those with other handles, and those that are counted already */
    uint32_t missed, expired; /* not added to the control object yet */
    uint16_t reports;         /* since the last batch */
    uint16_t guest;           /* read sections that the thread is in as a guest, see rcu.h */
    uint16_t batch;           /* how long it is at most; 0: no call by this thread yet */
    uint16_t batch_start;     /* what `lookups` was when it began */
    uint16_t sample;          /* how many lookups the one that ends it stands for */
    uint32_t batch_began;     /* tick, its lower half */
    uint16_t probes[PROBE_CELLS]; /* spent on probes, see pick_lars.c */
};

extern _Thread_local struct thread_state thread_state __attribute__((visibility("hidden")));

/* Assigns the thread's number. */
void thread_begin(void);

/*
 * Sets where the thread's picks begin, from how many threads of all processes have begun before it: these positions spread as
 * evenly as the picks of each thread do, so that a thousand threads which pick once each spread like one that picks a thousand
 * times. Without a number (0) it is random.
 */
void thread_start(uint32_t before);

/* In the child of fork(): its picks begin elsewhere than the parent's go on; no counts, for the parent adds them. A lookup
 * that a fork in a signal handler interrupted goes on, with the read section and the cursors that it has. */
void thread_forget(void);

/* As good as random: another one at each call, and in each thread that has its place. */
static inline uint32_t thread_random(struct thread_state *mine)
{
    return (uint32_t)(hash_word(mine->draws++, mine->start) >> 32);
}

static inline uint32_t thread_number(void)
{
    if (!thread_state.number)
        thread_begin();
    return thread_state.number;
}

#endif
