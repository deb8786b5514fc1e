/* SPDX-License-Identifier: MIT */
/*
 * How many requests may be outstanding on the connection to the directory. More than it answers at once only wait there,
 * and new routes behind them; so the window grows while it is in use and answers come quickly, and shrinks while they
 * are slow. Its steps are small against what a slow directory answers in the time that counts as slow: it swings by less
 * than a half round the size at which answers are just quick enough, and a directory that can follow is never idle.
 */
#ifndef FETCHER_WINDOW_H
#define FETCHER_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

enum {
    WINDOW_FIRST = 512,
    WINDOW_LEAST = 16,
};

struct window {
    double size; /* WINDOW_LEAST at least */
};

/* A new connection: nothing is known of how quick it is. */
void window_init(struct window *window);

/* One of `outstanding` requests was answered. */
void window_answered(struct window *window, uint32_t outstanding, bool slow);

static inline uint32_t window_size(const struct window *window)
{
    return (uint32_t)window->size;
}

#endif
