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
    LISTENER_PAUSE_MIN_US = 150,
    LISTENER_PAUSE_MAX_US = 150 << 7, /* after a few knocks for nothing */
};

/* Called in the loop. */
struct listener_role {
    _Atomic uint32_t *(*where)(void *context); /* the word that clients knock at now */
    bool (*knocked)(void *context);            /* false: it was for nothing */
};

/* NULL: there may be no more threads, or no memory is left. */
struct listener *listener_start(uv_loop_t *loop, const struct listener_role *role, void *context);

/* At each poll: another object may have taken the place of the one that clients knocked at. */
void listener_follow(struct listener *listener);

/* Ends the thread, and has the loop close the rest. NULL is fine. */
void listener_stop(struct listener *listener);

#endif
