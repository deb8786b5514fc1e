/* SPDX-License-Identifier: MIT */
#include "reader/thread.h"

#include "shm/atomic.h"
#include "shm/clock.h"
#include "shm/layout.h"

_Thread_local struct thread_state thread_state
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

static _Atomic uint32_t threads;

void thread_forget(void)
{
    thread_state = (struct thread_state){0};
}

/* Processes that pick once each must not all pick the first host: start anywhere. */
void thread_begin(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t seed = (uint64_t)now.tv_nsec ^ (uint64_t)now.tv_sec << 30 ^ (uintptr_t)&thread_state;
    uint32_t number = add_relaxed(&threads, 1) + 1; /* only to be another one than the others */
    thread_state.number = number ? number : 1;
    thread_state.turn = (uint32_t)key_hash(seed, number);
}
