/* SPDX-License-Identifier: MIT */
/*
 * How many requests may be outstanding on the connection to the directory. More than it answers at once only wait there,
 * and new routes behind them; so the window grows while it is in use and answers come quickly, and shrinks while they
 * are slow: slower than the quickest, for the directory may be far. Its steps are small against what a slow directory
 * answers in the time that counts as slow, so that it is never idle.
 *
 * Answers are slow, too, where the fetcher seldom gets to run. Then the window must not shrink until nothing moves:
 * where all is answered before more is sent, the directory has waited, and the window doubles.
 */
#ifndef FETCHER_WINDOW_H
#define FETCHER_WINDOW_H

#include <stdint.h>

enum {
    WINDOW_FIRST = 512,
    WINDOW_LEAST = 16,
};

struct window {
    double size;       /* WINDOW_LEAST at least */
    uint32_t peak;     /* the most that were outstanding since none were */
    uint64_t least_ms; /* that an answer took */
};

/* A new connection: nothing is known of how quick it is. */
void window_init(struct window *window);

/* One of `outstanding` requests was answered after so long. Slow is what takes `slow_ms` more than the quickest. */
void window_answered(struct window *window, uint32_t outstanding, uint64_t took_ms, uint64_t slow_ms);

static inline uint32_t window_size(const struct window *window)
{
    return (uint32_t)window->size;
}

#endif
