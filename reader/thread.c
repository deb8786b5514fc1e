/* SPDX-License-Identifier: MIT */
#include "reader/thread.h"

#include <time.h>

#include "shm/atomic.h"
#include "shm/hash.h"

_Thread_local struct thread_state thread_state;

static _Atomic uint32_t threads;

void thread_forget(void)
{
    thread_state = (struct thread_state){.guest = thread_state.guest, .cursors = thread_state.cursors};
}

void thread_begin(void)
{
    uint32_t number = add_relaxed(&threads, 1) + 1; /* it only has to differ from the others */
    thread_state.number = number ? number : 1;
}

void thread_start(uint32_t before)
{
    /* The square root of 2, less 1: steps of another irrational than those between a thread's own picks. */
    uint32_t start = before * UINT32_C(0x6a09e667);
    if (before == 0) {
        struct timespec now = {0};
        clock_gettime(CLOCK_MONOTONIC, &now);
        uint64_t seed = (uint64_t)now.tv_nsec ^ (uint64_t)now.tv_sec << 30 ^ (uintptr_t)&thread_state;
        start = (uint32_t)(hash_word(seed, thread_number()) >> 32);
    }
    thread_state.start = start ? start : 1;
    if (before)
        thread_state.number = before; /* differs from threads of other processes: they count in other cells */
}
