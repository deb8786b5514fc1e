/* SPDX-License-Identifier: MIT */
/*
 * A thread that sleeps until a client knocks, and wakes the loop. It touches no shared memory: the kernel reads the word,
 * whatever clients do to the object. It sleeps again when the loop is done, and after knocks for nothing it pauses longer and
 * longer, so that no client makes the loop spin.
 */
#ifndef FETCHER_LISTENER_H
#define FETCHER_LISTENER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct listener;

enum {
    /* So long the thread sleeps at most: a client can truncate the object, or requeue who sleeps on it, and then neither a
     * knock nor the loop wakes it. */
    LISTENER_WAIT_MS = 500,
    LISTENER_PAUSE_MIN_US = 150,
    LISTENER_PAUSE_MAX_US = 150 << 7, /* after a few knocks for nothing */
};

/* Called in the loop. */
struct listener_role {
    _Atomic uint32_t *(*where)(void *context); /* the word that clients knock at now */
    bool (*knocked)(void *context);            /* false: it was for nothing */
};

/* NULL, and errno: there may be no more threads or descriptors, or no memory is left. */
struct listener *listener_start(uv_loop_t *loop, const struct listener_role *role, void *context);

/* Ends the thread, within LISTENER_WAIT_MS, and has the loop close the rest. NULL is fine. */
void listener_stop(struct listener *listener);

#endif
