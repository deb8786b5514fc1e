/* SPDX-License-Identifier: MIT */
/* Threads beside the loop. */
#ifndef FETCHER_THREAD_H
#define FETCHER_THREAD_H

#include <pthread.h>
#include <signal.h>

/* As pthread_create(). Signals are for the loop: the thread gets none. */
static inline int thread_start(pthread_t *out, void *(*run)(void *context), void *context)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(out, NULL, run, context);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

#endif
